import { execFileSync } from 'node:child_process';
import { createServer } from 'node:http';
import { chmod, mkdir, mkdtemp, readdir, readFile, rm, stat, symlink, writeFile } from 'node:fs/promises';
import type { AddressInfo } from 'node:net';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterEach, beforeEach, describe, expect, it } from 'vitest';
import type { Buildpack } from '../buildpacks.ts';
import { BuildpackStore } from './buildpack-store.ts';

let root: string;
let repository: string;
let notes: string[];

const how = () => ({ signal: new AbortController().signal, note: (text: string) => notes.push(text) });
const open = async (registry = 'http://127.0.0.1:1'): Promise<BuildpackStore> => {
  const own: Buildpack[] = [{ name: 'heroku/nodejs', folder: '/own/nodejs' }];
  const store = new BuildpackStore({
    folder: join(root, 'kept'),
    own,
    registry,
    now: () => Date.UTC(2026, 0, 2),
  });
  await store.sweep();
  return store;
};
const git = (...args: string[]): string =>
  execFileSync('git', ['-C', repository, '-c', 'user.name=T', '-c', 'user.email=t@localhost', ...args], {
    encoding: 'utf8',
  }).trim();
const commit = async (text: string): Promise<string> => {
  await writeFile(join(repository, 'version'), text);
  git('add', '-A');
  git('commit', '-q', '-m', text);
  return git('rev-parse', 'HEAD');
};
const version = async ({ folder }: Buildpack): Promise<string> => readFile(join(folder, 'version'), 'utf8');

beforeEach(async () => {
  root = await mkdtemp(join(tmpdir(), 'slipway-fetch-'));
  repository = join(root, 'pack');
  notes = [];
  await mkdir(join(repository, 'bin'), { recursive: true });
  for (const name of ['detect', 'compile'])
    await writeFile(join(repository, 'bin', name), '#!/bin/sh\n', { mode: 0o644 });
  git('init', '-q', '-b', 'main');
});

afterEach(async () => {
  await rm(root, { recursive: true, force: true });
});

describe('a buildpack', () => {
  it('of ours is taken by its name', async () => {
    expect(await (await open()).get('urn:buildpack:heroku/nodejs', how())).toMatchObject({
      folder: '/own/nodejs',
    });
  });

  it('comes from git at a branch, tag or commit, with scripts that can be run', async () => {
    const one = await commit('one');
    git('tag', '-a', 'v1', '-m', 'v1');
    git('checkout', '-q', '-b', 'next');
    await commit('two');
    git('checkout', '-q', 'main');
    const store = await open();
    const url = `file://${repository}`;
    const of = async (ref: string): Promise<string> => version(await store.get(`${url}#${ref}`, how()));
    expect(await of('main')).toBe('one');
    expect(await of('next')).toBe('two');
    expect(await of('v1')).toBe('one');
    expect(await of(one)).toBe('one');
    expect(await of(one.slice(0, 8))).toBe('one');
    const pack = await store.get(`${url}#main`, how());
    expect((await stat(join(pack.folder, 'bin', 'compile'))).mode & 0o111).toBe(0o111);
    expect(await readdir(pack.folder)).not.toContain('.git');
    expect(await readdir(join(root, 'kept', 'content'))).toHaveLength(2);
    await commit('three');
    expect(await of('main')).toBe('three');
    await expect(store.get(`${url}#nowhere`, how())).rejects.toMatchObject({
      code: 'buildpack_unavailable',
      message: expect.stringContaining('nowhere') as string,
    });
  });

  it('that cannot be fetched any more is the last that could, also for the next engine', async () => {
    await commit('one');
    const text = `file://${repository}#main`;
    await (await open()).get(text, how());
    await rm(repository, { recursive: true });
    const pack = await (await open()).get(text, how());
    expect(await version(pack)).toBe('one');
    expect(notes).toEqual([
      expect.stringMatching(/could not be fetched: .* The copy of 2026-01-02 is used\.$/),
    ]);
    await expect((await open()).get(`${text}2`, how())).rejects.toMatchObject({
      code: 'buildpack_unavailable',
    });
  });

  it('of a folder is copied, links out of it stay alone', async () => {
    const secret = join(root, 'secret');
    await writeFile(secret, 'mine', { mode: 0o600 });
    await symlink(secret, join(repository, 'bin', 'release'));
    await chmod(join(repository, 'bin', 'detect'), 0o644);
    const pack = await (await open()).get(repository, how());
    expect((await stat(join(pack.folder, 'bin', 'detect'))).mode & 0o111).toBe(0o111);
    expect((await stat(join(repository, 'bin', 'detect'))).mode & 0o111).toBe(0);
    expect((await stat(secret)).mode & 0o777).toBe(0o600);
    await writeFile(join(repository, 'version'), 'new');
    expect(await version(await (await open()).get(repository, how()))).toBe('new');
  });

  it('with a name that is not ours comes from the registry, after tries that fail', async () => {
    execFileSync('tar', ['-C', repository, '-czf', join(root, 'pack.tgz'), 'bin']);
    const bytes = await readFile(join(root, 'pack.tgz'));
    const asked: (string | undefined)[] = [];
    const server = createServer((request, answer) => {
      asked.push(request.url);
      if (asked.length === 1) answer.writeHead(503).end();
      else if (request.url === '/community/tool.tgz') answer.end(bytes);
      else answer.writeHead(404).end();
    });
    await new Promise<void>((resolve) => server.listen(0, '127.0.0.1', resolve));
    const store = await open(`http://127.0.0.1:${(server.address() as AddressInfo).port}`);
    const pack = await store.get('community/tool', how());
    expect(await readdir(pack.folder)).toEqual(['bin']);
    await expect(store.get('community/other', how())).rejects.toMatchObject({
      message: expect.stringContaining('status 404') as string,
    });
    expect(asked).toEqual(['/community/tool.tgz', '/community/tool.tgz', '/community/other.tgz']);
    server.close();
  });

  it('without its scripts is none', async () => {
    await rm(join(repository, 'bin', 'detect'));
    await expect((await open()).get(repository, how())).rejects.toMatchObject({
      message: expect.stringContaining('it has no bin/detect') as string,
    });
    await expect((await open()).get('/nowhere/at/all', how())).rejects.toMatchObject({
      message: expect.stringContaining('there is no such folder') as string,
    });
  });

  it('from elsewhere cannot lead git to a folder of this machine', async () => {
    await commit('one');
    await writeFile(
      join(repository, '.gitmodules'),
      `[submodule "own"]\n path = own\n url = ext::sh -c id\n`,
    );
    git('update-index', '--add', '--cacheinfo', `160000,${git('rev-parse', 'HEAD')},own`);
    git('add', '.gitmodules');
    git('commit', '-q', '-m', 'submodule');
    await expect((await open()).get(`file://${repository}#main`, how())).rejects.toMatchObject({
      message: expect.stringMatching(/transport 'ext' not allowed/) as string,
    });
  });
});
