import { createHash, randomInt } from 'node:crypto';
import { readFile } from 'node:fs/promises';
import type { Daemon } from './daemon.ts';
import { reasonOf, statusOf } from './errors.ts';
import { createNetwork, subnetOf } from './networks.ts';

/**
 * Docker's own address pools hold about thirty networks, so ours are small ones: 10.128.0.0/9 in pieces of 1022 addresses makes
 * 8192.
 */
const FIRST = ipNumber('10.128.0.0');
const PREFIX = 22;
const STEP = 2 ** (32 - PREFIX);
const COUNT = 2 ** (PREFIX - 9);
const TRIES = 24;
/** After the network's own address and that of its gateway. */
const FIRST_HOST = 2;
/** The last address is for all. */
const HOSTS = STEP - FIRST_HOST - 1;

/** What became of a network: why it could not be made, and why its addresses are Docker's choice; null where neither is so. */
export interface BridgeResult {
  readonly problem: string | null;
  readonly notOurs: string | null;
  /** Addresses for its containers; null where Docker has to choose them. */
  readonly addresses: Addresses | null;
}

/**
 * Addresses of a network, none of which comes again before all others came. Docker itself gives the one that has just become free,
 * which a process may still have that a killed daemon forgot, and which a client may take for the container before.
 */
export class Addresses {
  private readonly start: number;
  private given = randomInt(HOSTS);

  /** @param start the network's own address */
  constructor(start: number) {
    this.start = start;
  }

  /** One more address; it may be taken, as containers of an engine before are not known here. */
  next(): string {
    this.given = (this.given + 1) % HOSTS;
    return ipText(this.start + FIRST_HOST + this.given);
  }
}

/** Addresses of a network that is there, when they are of our choice. */
async function addressesOf(daemon: Daemon, name: string): Promise<Addresses | null> {
  const [ip = '', prefix = ''] = (await subnetOf(daemon, name))?.split('/') ?? [];
  if (Number(prefix) !== PREFIX) return null;
  const start = ipNumber(ip);
  return start >= FIRST && start < FIRST + COUNT * STEP ? new Addresses(start) : null;
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
    if (problem === null) return { problem, notOurs: null, addresses: await addressesOf(daemon, name) };
    notOurs = problem;
  }
  return { problem: await create(daemon, name, labels, null), notOurs, addresses: null };
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
