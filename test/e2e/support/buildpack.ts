import { execFileSync } from 'node:child_process';
import { chmod, mkdir, mkdtemp, rm, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { dirname, join } from 'node:path';
import type { Build } from '#shared/model/build.ts';
import type { Host } from './host.ts';

/** A temporary folder that a test fills; `remove` ends it. */
export interface WorkFolder {
  readonly path: string;
  /** Writes files below a folder of it; scripts below `bin/` can be run. @returns the folder */
  files(folder: string, files: Readonly<Record<string, string>>): Promise<string>;
  /** Makes a git repository of a folder of it, or commits what has changed. @returns the commit */
  commit(folder: string, tag?: string): string;
  remove(): Promise<void>;
}

export async function workFolder(): Promise<WorkFolder> {
  const path = await mkdtemp(join(tmpdir(), 'slipway-work-'));
  return {
    path,
    async files(folder, files) {
      for (const [name, content] of Object.entries(files)) {
        const file = join(path, folder, name);
        await mkdir(dirname(file), { recursive: true });
        await writeFile(file, content);
        if (/(^|\/)bin\//.test(name)) await chmod(file, 0o755);
      }
      return join(path, folder);
    },
    commit(folder, tag) {
      const git = (...args: string[]): string =>
        execFileSync('git', ['-C', join(path, folder), ...IDENTITY, ...args], { encoding: 'utf8' }).trim();
      git('init', '-q', '-b', 'main');
      git('add', '-A');
      git('commit', '-q', '--allow-empty', '-m', 'state');
      if (tag !== undefined) git('tag', '-a', tag, '-m', tag);
      return git('rev-parse', 'HEAD');
    },
    remove: () => rm(path, { recursive: true, force: true }),
  };
}

const IDENTITY = ['-c', 'user.name=Test', '-c', 'user.email=test@localhost', '-c', 'commit.gpgsign=false'];

/** Scripts of a buildpack: it takes every app, as NAME, and its compile is the given bash. */
export function scripts(name: string, compile: string, release = ''): Record<string, string> {
  const bash = '#!/usr/bin/env bash\n';
  return {
    'bin/detect': `${bash}echo "${name}"\n`,
    'bin/compile': `${bash}${compile}\n`,
    ...(release === '' ? {} : { 'bin/release': `${bash}${release}\n` }),
  };
}

/** Deploys a folder. @returns the build at its end, and all that it printed */
export async function build(
  host: Pick<Host, 'client'>,
  app: string,
  path: string,
): Promise<{ build: Build; output: string }> {
  const { id } = await host.client.call('builds.start', { app, source: { kind: 'folder', path } });
  let output = '';
  for await (const items of host.client.open('builds.output', { app, build: id })) {
    for (const { text } of items) output += text;
  }
  return { build: await host.client.call('builds.get', { app, build: id }), output };
}
