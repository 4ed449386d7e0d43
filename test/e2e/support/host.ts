import { type ChildProcess, spawn } from 'node:child_process';
import { once } from 'node:events';
import { mkdtemp, readFile, rm } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { createInterface } from 'node:readline';
import { setTimeout as sleep } from 'node:timers/promises';
import { connectEngine } from '../../../electron/cli/engine-link.ts';
import type { Client } from '#shared/contract/client.ts';
import { SlipwayError } from '#shared/errors.ts';
import type { Build } from '#shared/model/build.ts';
import { formatLogLine } from '#shared/model/log.ts';
import { get } from './load.ts';

const MAIN = join(import.meta.dirname, '..', '..', '..', 'electron', 'start.ts');

/** A headless host in a process of its own, on a temporary data folder and free ports. */
export interface Host {
  readonly home: string;
  readonly ownerId: string;
  readonly routerPort: number;
  readonly uiUrl: string;
  readonly client: Client;
  readonly process: ChildProcess;
  /** What it printed on standard error so far. */
  errors(): string;
  /** Ends it as a user would, and removes the data folder. */
  stop(): Promise<void>;
  /** kill -9. */
  kill(): Promise<void>;
}

/** Starts a host. @param home data folder to start on, kept by `kill`; a new one unless given */
export async function startHost(env: Readonly<Record<string, string>>, home?: string): Promise<Host> {
  const folder = home ?? (await mkdtemp(join(tmpdir(), 'slipway-home-')));
  const ports = { SLIPWAY_API_PORT: '0', SLIPWAY_ROUTER_PORT: '0', SLIPWAY_ROUTER_TLS_PORT: '0' };
  const settings = { SLIPWAY_HOME: folder, ...ports, ...env };
  const child = spawn(process.execPath, [MAIN, '--headless'], {
    env: { ...process.env, ...settings },
    stdio: ['ignore', 'pipe', 'pipe'],
  });
  let errors = '';
  child.stderr.on('data', (chunk: Buffer) => (errors += chunk.toString()));
  const ready = await readyLine(child, () => errors);
  const link = await connectEngine(settings);
  return {
    home: folder,
    ownerId: (await readFile(join(folder, 'owner-id'), 'utf8')).trim(),
    routerPort: Number(/ router=http:\/\/localhost:(\d+) /.exec(ready)?.[1]),
    uiUrl: / ui=(\S+) /.exec(ready)?.[1] ?? '',
    client: link.client,
    process: child,
    errors: () => errors,
    async stop() {
      await end(child, 'SIGTERM');
      await rm(folder, { recursive: true, force: true });
    },
    kill: () => end(child, 'SIGKILL'),
  };
}

async function end(child: ChildProcess, signal: 'SIGTERM' | 'SIGKILL'): Promise<void> {
  if (child.exitCode !== null || child.signalCode !== null) return;
  const exit = once(child, 'exit');
  child.kill(signal);
  await exit;
}

function readyLine(child: ChildProcess, errors: () => string): Promise<string> {
  return new Promise((resolve, reject) => {
    if (child.stdout === null) throw new Error('the host has no standard output');
    createInterface({ input: child.stdout }).on('line', (line) => {
      if (line.startsWith('Slipway ready ')) resolve(line);
    });
    child.once('exit', (code) => {
      reject(new Error(`the host ended with ${code ?? 'a signal'}: ${errors()}`));
    });
  });
}

/** Deploys a folder and waits for the end, launch included. */
export async function deploy(host: Pick<Host, 'client'>, app: string, path: string): Promise<Build> {
  const { id } = await host.client.call('builds.start', { app, source: { kind: 'folder', path } });
  let output = '';
  for await (const items of host.client.open('builds.output', { app, build: id })) {
    for (const { text } of items) output += text;
  }
  const build = await host.client.call('builds.get', { app, build: id });
  if (build.status === 'failed') console.error(output);
  return build;
}

/** The app's log as the platform prints it, oldest line first. */
export async function logLines(host: Host, app: string, lines = 2_000): Promise<string[]> {
  const { records } = await host.client.call('logs.recent', { app, lines });
  return records.map((record) => (record.kind === 'line' ? formatLogLine(record) : `gap of ${record.count}`));
}

/** Asks again and again until it holds. @throws when it does not within `ms` */
export async function waitFor(what: string, holds: () => Promise<boolean>, ms = 60_000): Promise<void> {
  const deadline = Date.now() + ms;
  while (!(await holds().catch(ignoreDisconnect))) {
    if (Date.now() > deadline) throw new Error(`waited ${ms / 1000} s for ${what}`);
    await sleep(50);
  }
}

function ignoreDisconnect(error: unknown): boolean {
  if (error instanceof SlipwayError && error.code === 'disconnected') throw error;
  return false;
}

/** Waits until the app answers `GET /` with the text. */
export async function untilAnswer(host: Host, app: string, text: string): Promise<void> {
  await waitFor(
    `${app} to answer ${JSON.stringify(text)}`,
    async () => (await get(host.routerPort, app, '/')).body === text,
  );
}
