import { mkdtemp, readdir, readFile, rm, stat, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterEach, beforeEach, describe, expect, test } from 'vitest';
import type { KeyPair } from '../router/tls-gate.ts';
import { SlipwayError } from '#shared/errors.ts';
import { systemClock } from '../util/clock.ts';
import { Https } from './https.ts';
import { trustSteps } from './trust.ts';

let folder: string;
let stored: Record<string, unknown>;
let open: KeyPair | null;
let portProblem: SlipwayError | null;

beforeEach(async () => {
  folder = join(await mkdtemp(join(tmpdir(), 'slipway-https-')), 'https');
  stored = {};
  open = null;
  portProblem = null;
});
afterEach(() => rm(join(folder, '..'), { recursive: true }));

function make(): Https {
  return new Https({
    ...{ folder, clock: systemClock, platform: 'linux' },
    store: { options: () => stored, setOption: (name, value) => (stored[name] = value) },
    open: async (authority) => {
      if (portProblem !== null) throw portProblem;
      open = authority;
      return { port: 7443 };
    },
    close: () => (open = null),
    onChange: () => undefined,
  });
}

const pem = (): Promise<string> => readFile(join(folder, 'authority.pem'), 'utf8');

test('nothing is made or served before somebody asks for it', async () => {
  const https = make();
  await https.start();
  expect(https.status()).toEqual({ on: false, url: null, problem: null, authority: null, trust: [] });
  expect(open).toBeNull();
  await expect(readdir(folder)).rejects.toThrow();
});

test('the authority is made once; its key is for its owner alone', async () => {
  const https = make();
  await https.start();
  const on = await https.set(true);
  expect(on).toMatchObject({ on: true, url: 'https://localhost:7443', problem: null });
  expect(on.authority?.fingerprint).toMatch(/^([0-9A-F]{2}:){31}[0-9A-F]{2}$/);
  const first = await pem();
  expect((await stat(join(folder, 'authority-key.pem'))).mode & 0o777).toBe(0o600);
  expect((await stat(folder)).mode & 0o777).toBe(0o700);
  expect((await https.set(false)).url).toBeNull();
  expect(open).toBeNull();
  await https.set(true);
  expect(await pem()).toBe(first);
});

test('it is on again for the next engine, with the same authority', async () => {
  await make().set(true);
  const first = await pem();
  open = null;
  const next = make();
  await next.start();
  expect(next.url).toBe('https://localhost:7443');
  expect((open as KeyPair | null)?.certificate).toBe(first);
});

test('a port that cannot be had is told, and does not keep the engine from starting', async () => {
  portProblem = new SlipwayError('unavailable', 'Port 7443 (SLIPWAY_ROUTER_TLS_PORT) is in use');
  await expect(make().set(true)).rejects.toThrow('SLIPWAY_ROUTER_TLS_PORT');
  expect(stored['https']).toBeUndefined();
  stored['https'] = true;
  const https = make();
  await https.start();
  expect(https.status()).toMatchObject({ on: true, url: null, problem: portProblem.message });
  portProblem = null;
  expect(await https.set(true)).toMatchObject({ url: 'https://localhost:7443', problem: null });
});

test.each([
  ['a key that is gone', (files: string) => rm(join(files, 'authority-key.pem')), /missing/],
  [
    'a damaged certificate',
    (files: string) => writeFile(join(files, 'authority.pem'), 'x'),
    /cannot be used/,
  ],
])(
  '%s is told with the next step; no other authority is made in its place',
  async (_name, damage, problem) => {
    await make().set(true);
    await damage(folder);
    const https = make();
    await https.start();
    expect(https.status().problem).toMatch(problem);
    await expect(https.set(true)).rejects.toThrow(/Remove that folder and switch HTTPS on again/);
  },
);

describe('what a person can do to have it trusted', () => {
  const file = { path: '/home/a b/authority.pem', sha1: 'AB12' };
  const lines = (platform: NodeJS.Platform): string[] =>
    trustSteps(platform, file).flatMap(({ commands, undo }) => [...commands, ...undo]);

  test.each([
    ['linux', /update-ca-certificates$/, /certutil -d sql:\$HOME\/\.pki\/nssdb -A -t C,, /],
    ['darwin', /^security add-trusted-cert -r trustRoot -p ssl /, /^security delete-certificate -Z AB12 /],
    ['win32', /^certutil -user -addstore Root "/, /^certutil -user -delstore Root AB12$/],
  ] as const)('on %s is there with the way back', (platform, doing, undoing) => {
    expect(lines(platform).some((line) => doing.test(line))).toBe(true);
    expect(lines(platform).some((line) => undoing.test(line))).toBe(true);
  });

  test('a path with a space stays one word', () => {
    expect(lines('linux')).toContain(
      "sudo cp '/home/a b/authority.pem' /usr/local/share/ca-certificates/slipway.crt",
    );
  });
});
