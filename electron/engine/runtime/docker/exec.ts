import type { Duplex } from 'node:stream';
import * as z from 'zod';
import { NO_DETACH_KEYS } from './containers.ts';
import type { Daemon } from './daemon.ts';
import { orMissing, statusOf } from './errors.ts';

const Created = z.object({ Id: z.string() });
const Inspected = z.object({ Running: z.boolean(), ExitCode: z.number().nullish() });

/** One more process on a terminal in a container that runs. */
export interface TerminalExec {
  readonly id: string;
  /** What the terminal shows and gets. */
  readonly stream: Duplex;
}

/** Launches a process on a terminal of its own, as the container's user and with its environment and `env`. */
export async function execOnTerminal(
  daemon: Daemon,
  container: string,
  command: readonly string[],
  env: Readonly<Record<string, string>>,
): Promise<TerminalExec> {
  const body = {
    Cmd: command,
    Env: Object.entries(env).map(([name, value]) => `${name}=${value}`),
    Tty: true,
    AttachStdin: true,
    AttachStdout: true,
    AttachStderr: true,
    DetachKeys: NO_DETACH_KEYS,
  };
  const id = await createExec(daemon, container, body);
  const start = { Detach: false, Tty: true };
  const stream = await daemon.hijack({
    method: 'POST',
    path: `/exec/${id}/start`,
    body: start,
    ok: [101, 200],
  });
  return { id, stream };
}

/** Sets the size of the terminal in characters. A process that has ended is fine. */
export async function resizeExec(daemon: Daemon, id: string, columns: number, rows: number): Promise<void> {
  const path = `/exec/${id}/resize`;
  try {
    await daemon.json({ method: 'POST', path, query: { h: rows, w: columns }, ok: [200, 201, 204] });
  } catch (error) {
    // One that has ended cannot be told from one that cannot be resized by the answer alone.
    if (statusOf(error) === null || (await execEnd(daemon, id)) === 'running') throw error;
  }
}

/** How a process in a container ended: its exit code, null when nobody knows any more, or that it runs. */
export async function execEnd(daemon: Daemon, id: string): Promise<number | null | 'running'> {
  const answer = await orMissing(daemon.json({ method: 'GET', path: `/exec/${id}/json`, ok: [200] }));
  if (answer === null) return null;
  const { Running, ExitCode } = Inspected.parse(answer);
  return Running ? 'running' : (ExitCode ?? null);
}

/** Runs one more process in a container and waits for its end. */
export async function execAndWait(
  daemon: Daemon,
  container: string,
  command: readonly string[],
): Promise<void> {
  const id = await createExec(daemon, container, { Cmd: command, AttachStdout: true, AttachStderr: true });
  const output = await daemon.stream({
    method: 'POST',
    path: `/exec/${id}/start`,
    body: { Detach: false, Tty: false },
    ok: [200],
  });
  output.resume();
  await new Promise<void>((resolve) => {
    output
      .once('close', resolve)
      .once('end', resolve)
      .once('error', () => {
        resolve();
      });
  });
}

async function createExec(daemon: Daemon, container: string, body: object): Promise<string> {
  const path = `/containers/${container}/exec`;
  return Created.parse(await daemon.json({ method: 'POST', path, body, ok: [200, 201] })).Id;
}
