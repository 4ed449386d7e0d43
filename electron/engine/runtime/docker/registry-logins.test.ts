import { chmod, mkdir, mkdtemp, rm, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterEach, beforeEach, describe, expect, it } from 'vitest';
import { loginFor, loginHeader, readLogins, type RegistryLogins } from './registry-logins.ts';

let home: string;
beforeEach(async () => {
  home = await mkdtemp(join(tmpdir(), 'slipway-logins-'));
  await mkdir(join(home, '.docker'));
});
afterEach(async () => {
  await rm(home, { recursive: true, force: true });
});

const auth = (words: string): { auth: string } => ({ auth: Buffer.from(words).toString('base64') });

async function read(config: unknown, env: Record<string, string> = {}): Promise<RegistryLogins> {
  const content = typeof config === 'string' ? config : JSON.stringify(config);
  await writeFile(join(home, '.docker', 'config.json'), content);
  return readLogins({ PATH: `${home}:${process.env['PATH'] ?? ''}`, ...env }, home);
}

/** A program with credentials: what it lists, and what it answers for each address. */
async function helper(name: string, script: string): Promise<void> {
  const file = join(home, `docker-credential-${name}`);
  await writeFile(file, `#!/bin/sh\n${script}\n`);
  await chmod(file, 0o755);
}

describe('the logins of a machine', () => {
  it('are those of the file, by the registry of an image', async () => {
    const logins = await read({
      auths: {
        'https://index.docker.io/v1/': auth('ann:hub:secret'),
        'registry.example.com:5000': auth('bob:other'),
        'token.example.com': { identitytoken: 'abc' },
        'empty.example.com': {},
      },
      currentContext: 'default',
    });
    expect(logins.problems).toEqual([]);
    const hub = {
      username: 'ann',
      password: 'hub:secret',
      serveraddress: 'https://index.docker.io/v1/',
    };
    for (const image of ['debian', 'debian:13', 'ann/shop:1', 'docker.io/ann/shop'])
      expect(loginFor(logins, image)).toEqual(hub);
    expect(loginFor(logins, 'registry.example.com:5000/a/b@sha256:00')).toMatchObject({ username: 'bob' });
    expect(loginFor(logins, 'token.example.com/a')).toEqual({
      ...{ identitytoken: 'abc', serveraddress: 'token.example.com' },
    });
    for (const image of ['empty.example.com/a', 'registry.example.com/a/b', 'localhost/a'])
      expect(loginFor(logins, image)).toBeUndefined();
  });

  it('are those of the programs that the file names', async () => {
    await helper(
      'store',
      `case "$1 $(cat)" in
"list ") echo '{"a.example.com":"ann","b.example.com":"<token>","c.example.com":"x"}' ;;
"get a.example.com") echo '{"ServerURL":"a.example.com","Username":"ann","Secret":"one"}' ;;
"get b.example.com") echo '{"ServerURL":"b.example.com","Username":"<token>","Secret":"two"}' ;;
*) echo "credentials not found in native keychain"; exit 1 ;;
esac`,
    );
    await helper('own', `[ "$1 $(cat)" = "get d.example.com" ] && echo '{"Username":"dan","Secret":"four"}'`);
    const logins = await read({ credsStore: 'store', credHelpers: { 'd.example.com': 'own' } });
    expect(logins).toEqual({
      problems: [],
      byAddress: new Map([
        ['a.example.com', { username: 'ann', password: 'one', serveraddress: 'a.example.com' }],
        ['b.example.com', { identitytoken: 'two', serveraddress: 'b.example.com' }],
        ['d.example.com', { username: 'dan', password: 'four', serveraddress: 'd.example.com' }],
      ]),
    });
  });

  it('are in the folder that DOCKER_CONFIG names, and none where there is no file', async () => {
    expect(await readLogins({}, home)).toEqual({ byAddress: new Map(), problems: [] });
    const own = join(home, 'own');
    await mkdir(own);
    await writeFile(join(own, 'config.json'), JSON.stringify({ auths: { 'x.example.com': auth('x:y') } }));
    const logins = await read('{}', { DOCKER_CONFIG: own });
    expect([...logins.byAddress.keys()]).toEqual(['x.example.com']);
  });

  it.each([
    [
      '{"auths": {"a": secret',
      /config\.json cannot be used: it is no valid JSON( \(line.*\))?\. Images of private registries are fetched without/,
    ],
    ['{"auths": []}', /config\.json cannot be used: auths: /],
    ['{"credsStore": "../evil"}', /config\.json cannot be used: credsStore: /],
    [{ auths: { 'a.example.com': auth('nothing') } }, /for a\.example\.com .* docker login a\.example\.com$/],
    [{ credsStore: 'nowhere' }, /names docker-credential-nowhere for credentials, which is not on PATH\./],
    [
      { credHelpers: { 'a.example.com': 'bad', b: 'bad' } },
      /docker-credential-bad, .* not answer: no keychain\./,
    ],
  ])('that cannot be used are one plain sentence: %j', async (config, words) => {
    await helper('bad', 'echo "no keychain" >&2; exit 1');
    const { problems, byAddress } = await read(config);
    expect(problems).toEqual([expect.stringMatching(words)]);
    expect(byAddress.size).toBe(0);
  });

  it('go into a header in the letters of URLs, with their padding', () => {
    const header = loginHeader({ a: '~~~???' });
    expect(header).toMatch(/^[\w-]+=*$/);
    expect(header.length % 4).toBe(0);
    expect(Buffer.from(header, 'base64url').toString()).toBe('{"a":"~~~???"}');
  });
});
