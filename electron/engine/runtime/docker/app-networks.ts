import { createHash } from 'node:crypto';
import { readFile } from 'node:fs/promises';
import type { Diagnostics } from '../../util/diagnostics.ts';
import type { Daemon } from './daemon.ts';
import { reasonOf, statusOf } from './errors.ts';
import { LABEL, labels, ownedName } from './names.ts';
import { createNetwork } from './networks.ts';

/**
 * Docker's own address pools hold about thirty networks, so apps get small ones of their own: 10.128.0.0/9 in pieces of
 * 1022 addresses makes 8192.
 */
const FIRST = ipNumber('10.128.0.0');
const PREFIX = 22;
const STEP = 2 ** (32 - PREFIX);
const COUNT = 2 ** (PREFIX - 9);
const TRIES = 24;

/** One bridge network for each app, in which dynos do not reach each other; all share one when there is no room. */
export class AppNetworks {
  private readonly ready = new Map<string, Promise<string>>();
  private readonly daemon: Daemon;
  private readonly owner: string;
  private readonly diagnostics: Diagnostics;

  constructor(daemon: Daemon, owner: string, diagnostics: Diagnostics) {
    this.daemon = daemon;
    this.owner = owner;
    this.diagnostics = diagnostics;
  }

  /** Makes sure of an app's network. @returns its name */
  ensure(appId: string): Promise<string> {
    const known = this.ready.get(appId);
    if (known) return known;
    const making = this.make(appId);
    this.ready.set(appId, making);
    making.catch(() => this.ready.delete(appId));
    return making;
  }

  /** Lets go of what is known of an app's network, after it was removed. */
  forget(appId: string): void {
    this.ready.delete(appId);
  }

  private async make(appId: string): Promise<string> {
    const name = ownedName(this.owner, `app-${appId}`);
    const more = { [LABEL.app]: appId };
    const taken = await routes();
    const seed = createHash('sha256').update(name).digest().readUInt32BE(0);
    let reason = 'all addresses are taken by routes of this machine';
    for (let attempt = 0; attempt < TRIES; attempt += 1) {
      const start = FIRST + ((seed + attempt * 641) % COUNT) * STEP;
      if (taken.some((route) => overlaps(route, start))) continue;
      const problem = await this.create(name, more, `${ipText(start)}/${String(PREFIX)}`);
      if (problem === null) return name;
      reason = problem;
    }
    this.diagnostics.note(`The network of app ${appId} takes its addresses from Docker (${reason}).`);
    if ((await this.create(name, more, null)) === null) return name;
    const shared = ownedName(this.owner, 'shared');
    this.diagnostics.note(`Docker has no room for a network of app ${appId}; its dynos use ${shared}.`);
    const problem = await this.create(shared, {}, null);
    if (problem !== null) throw new Error(`no network could be made: ${problem}`);
    return shared;
  }

  /** @returns null when the network is there, else why not */
  private async create(
    name: string,
    more: Readonly<Record<string, string>>,
    subnet: string | null,
  ): Promise<string | null> {
    const options = {
      Name: name,
      Driver: 'bridge',
      CheckDuplicate: true,
      Labels: labels(this.owner, 'network', more),
      Options: { 'com.docker.network.bridge.enable_icc': 'false' },
      ...(subnet === null ? {} : { IPAM: { Config: [{ Subnet: subnet }] } }),
    };
    try {
      await createNetwork(this.daemon, options);
      return null;
    } catch (error) {
      const reason = reasonOf(error);
      const status = statusOf(error);
      if (status === 409 || /already exists/i.test(reason)) return null;
      if (status === null) throw error;
      return reason;
    }
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
