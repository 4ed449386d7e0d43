import { spawn } from 'node:child_process';
import { once } from 'node:events';
import { mkdtemp, rm } from 'node:fs/promises';
import { type AddressInfo, connect, createServer, type Server, type Socket } from 'node:net';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { setTimeout as sleep } from 'node:timers/promises';
import type { FigureDefinition } from '../lib/definition.ts';
import { processorSeconds, residentBytes } from '../lib/process-figures.ts';

const CLIENTS = 10_000;
const WEB_SOCKETS = 1_000;
/** Connections that are opened at a time, and before the first measure, so that what a router needs once is not counted. */
const PARALLEL = 50;
/** Time for the collector after connections were opened, in milliseconds. Well below the minute that a client may be idle. */
const SETTLE = 5_000;
const REQUEST = 'GET / HTTP/1.1\r\nHost: bench.localhost\r\n';
const ANSWER = 'HTTP/1.1 200 OK\r\nContent-Length: 2\r\nDate: now\r\n\r\nok';
const UPGRADE = 'HTTP/1.1 101 Switching Protocols\r\nConnection: Upgrade\r\nUpgrade: websocket\r\n\r\n';
/** Requests of one client, one behind the other, which are measured beside connections that are only held. */
const REQUESTS = 5_000;

/**
 * Memory of the router's process for connections that it only holds: what is left of opening them is in it, the system's own
 * memory for them is not. And how many times as much processor the requests of one client cost beside them. Each figure is of a
 * router that has done nothing before.
 */
export const figures: FigureDefinition = {
  title: `Router: memory for each of ${CLIENTS} idle keep-alive clients and ${WEB_SOCKETS} WebSockets, and what a request costs beside those clients`,
  goals: { 'idle-kb': 10, 'websocket-kb': 20, 'beside-idle-times': 1.5 },
  async measure() {
    const folder = await mkdtemp(join(tmpdir(), 'slipway-bench-connections-'));
    const dyno = await startDyno();
    const { port } = dyno.address() as AddressInfo;
    const log = join(folder, 'log');
    try {
      const upgrade = `${REQUEST}Connection: Upgrade\r\nUpgrade: websocket\r\n\r\n`;
      const idle = await hold(await startRouter(port, log), CLIENTS, `${REQUEST}\r\n`, 'ok');
      const sockets = await hold(await startRouter(port, log), WEB_SOCKETS, upgrade, '\r\n\r\n');
      const beside = await costBeside(await startRouter(port, log), CLIENTS);
      return { 'idle-kb': idle, 'websocket-kb': sockets, 'beside-idle-times': beside };
    } finally {
      dyno.close();
      await rm(folder, { recursive: true, force: true });
    }
  },
};

/** Answers every request, and stays open behind an upgrade. */
async function startDyno(): Promise<Server> {
  const server = createServer((socket) => {
    socket.on('error', () => socket.destroy());
    socket.on('data', (chunk) => socket.write(chunk.includes('Upgrade: ') ? UPGRADE : ANSWER));
  }).listen(0, '127.0.0.1');
  await once(server, 'listening');
  return server;
}

interface RunningRouter {
  readonly pid: number;
  readonly port: number;
  stop(): void;
}

async function startRouter(dyno: number, log: string): Promise<RunningRouter> {
  const port = await freePort();
  const file = join(import.meta.dirname, '..', 'router', 'ours.ts');
  const child = spawn(process.execPath, [file, String(port), String(dyno), log], { stdio: 'inherit' });
  for (let tries = 0; ; tries++) {
    const opened = await open(port, `${REQUEST}\r\n`, 'ok').catch(() => null);
    if (opened !== null) {
      opened.destroy();
      break;
    }
    if (tries > 200) throw new Error(`the router does not listen on port ${port}`);
    await sleep(50);
  }
  for (const socket of await openMany(port, PARALLEL, `${REQUEST}\r\n`, 'ok')) socket.destroy();
  return { pid: child.pid ?? 0, port, stop: () => void child.kill('SIGKILL') };
}

/** Kilobytes of the router's memory for each of some connections, and the end of that router. */
async function hold(router: RunningRouter, count: number, text: string, end: string): Promise<number> {
  await sleep(SETTLE);
  const before = residentBytes(router.pid);
  const sockets: Socket[] = [];
  try {
    while (sockets.length < count) sockets.push(...(await openMany(router.port, PARALLEL, text, end)));
    await sleep(SETTLE);
    checkHeld(sockets);
    return (residentBytes(router.pid) - before) / count / 1024;
  } finally {
    for (const socket of sockets) socket.destroy();
    router.stop();
  }
}

/** How many times as much a request costs the router beside idle clients as without them, and the end of that router. */
async function costBeside(router: RunningRouter, count: number): Promise<number> {
  const sockets: Socket[] = [];
  try {
    await costOfRequest(router);
    const alone = await costOfRequest(router);
    while (sockets.length < count)
      sockets.push(...(await openMany(router.port, PARALLEL, `${REQUEST}\r\n`, 'ok')));
    await sleep(SETTLE);
    const beside = await costOfRequest(router);
    checkHeld(sockets);
    return beside / alone;
  } finally {
    for (const socket of sockets) socket.destroy();
    router.stop();
  }
}

function checkHeld(sockets: readonly Socket[]): void {
  const lost = sockets.filter((socket) => socket.destroyed).length;
  if (lost > 0) throw new Error(`${lost} of ${sockets.length} connections were not held`);
}

/** Seconds of processor that a request costs the router when there is one at a time. */
async function costOfRequest({ pid, port }: RunningRouter): Promise<number> {
  const socket = await open(port, `${REQUEST}\r\n`, 'ok');
  const before = processorSeconds(pid);
  for (let count = 0; count < REQUESTS; count++) {
    socket.write(`${REQUEST}\r\n`);
    await once(socket, 'data');
  }
  const used = processorSeconds(pid) - before;
  socket.destroy();
  return used / REQUESTS;
}

function openMany(port: number, count: number, text: string, end: string): Promise<Socket[]> {
  return Promise.all(Array.from({ length: count }, () => open(port, text, end)));
}

/** Opens a connection, says something and waits for an answer with that end. */
function open(port: number, text: string, end: string): Promise<Socket> {
  return new Promise((resolve, reject) => {
    const socket = connect(port, '127.0.0.1', () => socket.write(text));
    socket.on('error', reject);
    socket.on('data', (chunk: Buffer) => {
      if (chunk.toString('latin1').endsWith(end)) resolve(socket);
    });
  });
}

async function freePort(): Promise<number> {
  const server = createServer().listen(0, '127.0.0.1');
  await once(server, 'listening');
  const { port } = server.address() as AddressInfo;
  server.close();
  await once(server, 'close');
  return port;
}
