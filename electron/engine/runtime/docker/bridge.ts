import { createHash } from 'node:crypto';
import { readFile } from 'node:fs/promises';
import type { Daemon } from './daemon.ts';
import { reasonOf, statusOf } from './errors.ts';
import { createNetwork } from './networks.ts';

/**
 * Docker's own address pools hold about thirty networks, so ours are small ones: 10.128.0.0/9 in pieces of 1022 addresses makes
 * 8192.
 */
const FIRST = ipNumber('10.128.0.0');
const PREFIX = 22;
const STEP = 2 ** (32 - PREFIX);
const COUNT = 2 ** (PREFIX - 9);
const TRIES = 24;

/** What became of a network: why it could not be made, and why its addresses are Docker's choice; null where neither is so. */
export interface BridgeResult {
  readonly problem: string | null;
  readonly notOurs: string | null;
}

/**
 * Makes a bridge network whose containers do not reach each other, or nothing when it is there. Its addresses are free ones by
 * the routes of this machine; where none can be had, Docker chooses them.
 */
export async function createBridge(
  daemon: Daemon,
  name: string,
  labels: Readonly<Record<string, string>>,
): Promise<BridgeResult> {
  const taken = await routes();
  const seed = createHash('sha256').update(name).digest().readUInt32BE(0);
  let notOurs = 'all addresses are taken by routes of this machine';
  for (let attempt = 0; attempt < TRIES; attempt += 1) {
    const start = FIRST + ((seed + attempt * 641) % COUNT) * STEP;
    if (taken.some((route) => overlaps(route, start))) continue;
    const problem = await create(daemon, name, labels, `${ipText(start)}/${String(PREFIX)}`);
    if (problem === null) return { problem, notOurs: null };
    notOurs = problem;
  }
  return { problem: await create(daemon, name, labels, null), notOurs };
}

/** @returns null when the network is there, else why not */
async function create(
  daemon: Daemon,
  name: string,
  labels: Readonly<Record<string, string>>,
  subnet: string | null,
): Promise<string | null> {
  const options = {
    Name: name,
    Driver: 'bridge',
    CheckDuplicate: true,
    Labels: labels,
    Options: { 'com.docker.network.bridge.enable_icc': 'false' },
    ...(subnet === null ? {} : { IPAM: { Config: [{ Subnet: subnet }] } }),
  };
  try {
    await createNetwork(daemon, options);
    return null;
  } catch (error) {
    const reason = reasonOf(error);
    const status = statusOf(error);
    if (status === 409 || /already exists/i.test(reason)) return null;
    if (status === null) throw error;
    return reason;
  }
}

interface Route {
  readonly start: number;
  readonly end: number;
}

function overlaps(route: Route, start: number): boolean {
  return route.start < start + STEP && start < route.end;
}

/** Networks that this machine has routes to, so that a VPN is not hidden. Known on Linux only. */
async function routes(): Promise<Route[]> {
  const text = await readFile('/proc/net/route', 'utf8').catch(() => '');
  return text
    .split('\n')
    .slice(1)
    .flatMap((line) => {
      const fields = line.split('\t');
      const [start, mask] = [littleEndian(fields[1]), littleEndian(fields[7])];
      return start === null || mask === null || mask === 0 ? [] : [{ start, end: start + (2 ** 32 - mask) }];
    });
}

function littleEndian(hex: string | undefined): number | null {
  return hex !== undefined && /^[0-9A-F]{8}$/i.test(hex) ? Buffer.from(hex, 'hex').readUInt32LE(0) : null;
}

function ipNumber(text: string): number {
  return Buffer.from(text.split('.').map(Number)).readUInt32BE(0);
}

function ipText(value: number): string {
  const bytes = Buffer.alloc(4);
  bytes.writeUInt32BE(value);
  return [...bytes].join('.');
}
