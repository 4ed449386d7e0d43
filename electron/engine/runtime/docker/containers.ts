import type { Duplex, Readable } from 'node:stream';
import * as z from 'zod';
import type { Daemon } from './daemon.ts';
import { orMissing, statusOf } from './errors.ts';

const Created = z.object({ Id: z.string() });
const Networks = z.record(z.string(), z.object({ IPAddress: z.string().nullish() }).nullish()).nullish();
const Ports = z.record(z.string(), z.array(z.object({ HostPort: z.string() })).nullish()).nullish();

const Inspected = z.object({
  Id: z.string(),
  Image: z.string().catch(''),
  State: z.object({
    Status: z.string(),
    Running: z.boolean(),
    OOMKilled: z.boolean().catch(false),
    ExitCode: z.number().catch(0),
    StartedAt: z.string().catch(''),
    FinishedAt: z.string().catch(''),
  }),
  ExecIDs: z.array(z.string()).nullish().catch(null),
  Config: z.object({ Labels: z.record(z.string(), z.string()).nullish() }),
  NetworkSettings: z.object({ Networks, Ports }).nullish(),
});

/** A container as `inspect` tells of it. */
export interface ContainerFacts {
  readonly id: string;
  readonly status: string;
  readonly running: boolean;
  readonly oomKilled: boolean;
  readonly exitCode: number;
  /** Milliseconds since the epoch; 0 when it did not happen. */
  readonly startedAt: number;
  readonly finishedAt: number;
  /** How many further processes were launched in it; those that ended may be among them. */
  readonly execs: number;
  readonly labels: Readonly<Record<string, string>>;
  /** First address in a network, or null. */
  readonly ip: string | null;
  /** Ports of the host by port inside. */
  readonly published: ReadonlyMap<number, number>;
}

const Listed = z.array(
  z.object({
    Id: z.string(),
    State: z.string(),
    Created: z.number().catch(0),
    Labels: z.record(z.string(), z.string()).nullish(),
  }),
);

/** A row of the container list. */
export interface ContainerRow {
  readonly id: string;
  readonly state: string;
  readonly createdAt: number;
  readonly labels: Readonly<Record<string, string>>;
}

/** Makes a container; the options are those of the Docker API. @returns its id */
export async function createContainer(daemon: Daemon, name: string, options: object): Promise<string> {
  const answer = await daemon.json({
    method: 'POST',
    path: '/containers/create',
    query: name === '' ? {} : { name },
    body: options,
    ok: [200, 201],
  });
  return Created.parse(answer).Id;
}

/** Starts a container; one that runs is fine. */
export async function startContainer(daemon: Daemon, id: string): Promise<void> {
  await daemon.json({ method: 'POST', path: `/containers/${id}/start`, ok: [200, 204, 304] });
}

/** Sends a signal to a container's first process. A container that is gone or ended is fine. */
export async function killContainer(daemon: Daemon, id: string, signal: string): Promise<void> {
  await gone(
    daemon.json({ method: 'POST', path: `/containers/${id}/kill`, query: { signal }, ok: [200, 204] }),
  );
}

/** Removes a container, running or not, with its anonymous volumes. One that is gone is fine. */
export async function removeContainer(daemon: Daemon, id: string): Promise<void> {
  const request = {
    method: 'DELETE',
    path: `/containers/${id}`,
    query: { force: true, v: true },
    ok: [200, 204],
  } as const;
  await gone(daemon.json(request));
}

async function gone(call: Promise<unknown>): Promise<void> {
  try {
    await call;
  } catch (error) {
    const status = statusOf(error);
    if (status !== 404 && status !== 409) throw error;
  }
}

/** All about a container, or null when there is none. */
export async function inspectContainer(daemon: Daemon, id: string): Promise<ContainerFacts | null> {
  const answer = await orMissing(daemon.json({ method: 'GET', path: `/containers/${id}/json`, ok: [200] }));
  if (answer === null) return null;
  const { Id, State, ExecIDs, Config, NetworkSettings } = Inspected.parse(answer);
  const addresses = Object.values(NetworkSettings?.Networks ?? {}).map((network) => network?.IPAddress ?? '');
  const published = Object.entries(NetworkSettings?.Ports ?? {}).flatMap(
    ([port, hosts]): [number, number][] =>
      hosts?.[0] ? [[Number.parseInt(port, 10), Number(hosts[0].HostPort)]] : [],
  );
  return {
    id: Id,
    status: State.Status,
    running: State.Running,
    oomKilled: State.OOMKilled,
    exitCode: State.ExitCode,
    startedAt: timeOf(State.StartedAt),
    finishedAt: timeOf(State.FinishedAt),
    execs: ExecIDs?.length ?? 0,
    labels: Config.Labels ?? {},
    ip: addresses.find((address) => address !== '') ?? null,
    published: new Map(published),
  };
}

function timeOf(text: string): number {
  const time = Date.parse(text);
  return Number.isFinite(time) && time > 0 ? time : 0;
}

/** Containers with all of the labels, also those that ended. */
export async function listContainers(daemon: Daemon, label: readonly string[]): Promise<ContainerRow[]> {
  const query = { all: true, filters: JSON.stringify({ label }) };
  const rows = Listed.parse(await daemon.json({ method: 'GET', path: '/containers/json', query, ok: [200] }));
  return rows.map((row) => ({
    id: row.Id,
    state: row.State,
    createdAt: row.Created * 1000,
    labels: row.Labels ?? {},
  }));
}

/** Two-way connection to standard input, output and error of a container. */
export function attachContainer(daemon: Daemon, id: string): Promise<Duplex> {
  return daemon.hijack({
    method: 'POST',
    path: `/containers/${id}/attach`,
    query: { stream: true, stdin: true, stdout: true, stderr: true },
    ok: [101, 200],
  });
}

/**
 * Keys that end an attachment at the daemon, which takes ctrl-p ctrl-q unless told others and knows no "none": a sequence
 * that nobody types.
 */
export const NO_DETACH_KEYS = Array.from({ length: 16 }, () => 'ctrl-@,ctrl-^').join(',');

/** Two-way connection to the terminal of a container; all keys go through. */
export function attachTerminal(daemon: Daemon, id: string): Promise<Duplex> {
  return daemon.hijack({
    method: 'POST',
    path: `/containers/${id}/attach`,
    query: { stream: true, stdin: true, stdout: true, stderr: true, detachKeys: NO_DETACH_KEYS },
    ok: [101, 200],
  });
}

/** Sets the size of a container's terminal in characters. A container that is gone or ended is fine. */
export async function resizeTerminal(
  daemon: Daemon,
  id: string,
  columns: number,
  rows: number,
): Promise<void> {
  const path = `/containers/${id}/resize`;
  await gone(daemon.json({ method: 'POST', path, query: { h: rows, w: columns }, ok: [200, 204] }));
}

/** What a container prints from now on; one that is not read holds it up. */
export function attachOutput(daemon: Daemon, id: string): Promise<Duplex> {
  return daemon.hijack({
    method: 'POST',
    path: `/containers/${id}/attach`,
    query: { stream: true, stdout: true, stderr: true },
    ok: [101, 200],
  });
}

/** One-way connection to the standard input of a container. */
export function attachInput(daemon: Daemon, id: string): Promise<Duplex> {
  return daemon.hijack({
    method: 'POST',
    path: `/containers/${id}/attach`,
    query: { stream: true, stdin: true },
    ok: [101, 200],
  });
}

/**
 * Output of a container from `since` (whole seconds since the epoch) on, each message with its time.
 * @param follow whether to go on until the container ends; else the stream ends with what there is
 */
export function readLogs(
  daemon: Daemon,
  id: string,
  since: number,
  follow: boolean,
  signal: AbortSignal,
): Promise<Readable> {
  return daemon.stream({
    method: 'GET',
    path: `/containers/${id}/logs`,
    query: { follow, stdout: true, stderr: true, timestamps: true, ...(since > 0 ? { since } : {}) },
    ok: [101, 200],
    signal,
  });
}

/** Waits for a container's end. @returns its exit code */
export async function waitContainer(daemon: Daemon, id: string, signal: AbortSignal): Promise<number> {
  const answer = await daemon.json({ method: 'POST', path: `/containers/${id}/wait`, ok: [200], signal });
  return z.object({ StatusCode: z.number() }).parse(answer).StatusCode;
}

/** Launches one more process in a running container and does not wait for it. */
export async function execDetached(daemon: Daemon, id: string, command: readonly string[]): Promise<void> {
  const path = `/containers/${id}/exec`;
  const exec = Created.parse(
    await daemon.json({ method: 'POST', path, body: { Cmd: command }, ok: [200, 201] }),
  );
  await daemon.json({
    method: 'POST',
    path: `/exec/${exec.Id}/start`,
    body: { Detach: true },
    ok: [200, 204],
  });
}

/** Unpacks a tar at a folder of a container, which need not run. */
export async function putArchive(
  daemon: Daemon,
  id: string,
  folder: string,
  tar: Readable | Buffer,
): Promise<void> {
  const path = `/containers/${id}/archive`;
  await daemon.json({ method: 'PUT', path, query: { path: folder }, upload: tar, ok: [200] });
}
