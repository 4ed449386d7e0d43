import { execFileSync } from 'node:child_process';
import { chmod, mkdir, mkdtemp, rm, symlink, utimes, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { buffer } from 'node:stream/consumers';
import { afterEach, beforeEach, describe, expect, it } from 'vitest';
import { BuildFailure } from './failure.ts';
import { packOf, type SourceTar, tarOf } from './source-tar.ts';

const LONG = `${'folder/'.repeat(30)}${'n'.repeat(120)}.txt`;
const PATHS = ['Procfile', 'bin/run me', 'empty', LONG, 'umläut/Ω.txt', 'link', 'new\nline'];

let work: string;

beforeEach(async () => {
  work = await mkdtemp(join(tmpdir(), 'slipway-source-tar-'));
});
afterEach(async () => {
  await rm(work, { recursive: true });
});

/** A folder with all that a source may have. */
async function makeSource(): Promise<string> {
  const folder = join(work, 'source');
  for (const path of PATHS) {
    await mkdir(join(folder, path, '..'), { recursive: true });
    if (path === 'link') await symlink('bin/run me', join(folder, path));
    else await writeFile(join(folder, path), path === 'empty' ? '' : `content of ${path}`);
  }
  await chmod(join(folder, 'bin/run me'), 0o750);
  await utimes(join(folder, 'Procfile'), 1_000_000_000, 1_000_000_000);
  return folder;
}

/** What the system's tar makes of an archive: names, modes, sizes, times and contents. */
async function unpacked({ tar, done }: SourceTar, name: string): Promise<string> {
  const [bytes] = await Promise.all([buffer(tar), done]);
  const place = join(work, name);
  await mkdir(place);
  execFileSync('tar', ['-x', '-C', place], { input: bytes });
  const list = `find . -type f -printf '%p %m %s %Ts\\n' -exec cat {} \\; -o -type l -printf '%p -> %l\\n'`;
  return execFileSync('bash', ['-c', `cd "$1" && ${list} | sort`, 'bash', place], { encoding: 'utf8' });
}

describe('the archive of a source', () => {
  it('is the same with and without a program', async () => {
    const folder = await makeSource();
    const packed = await unpacked(packOf(folder, PATHS), 'packed');
    expect(packed).toContain('./bin/run me 750 ');
    expect(packed).toContain('./Procfile 644 19 1000000000');
    expect(packed).toContain('./link -> bin/run me');
    expect(packed).toBe(await unpacked(tarOf(folder, PATHS), 'by-tar'));
  });

  it('does not wait for a pipe that a file has become', async () => {
    const folder = await makeSource();
    execFileSync('bash', ['-c', 'mkfifo "$1"', 'bash', join(folder, 'pipe')]);
    const { tar, done } = packOf(folder, ['Procfile', 'pipe']);
    tar.resume();
    await expect(done).rejects.toThrow('pipe is no file any more');
  });

  it.each([
    ['packed', packOf],
    ['by a program', tarOf],
  ])('fails with a reason when a file is gone, %s', async (_, make) => {
    const folder = await makeSource();
    const { tar, done } = make(folder, ['Procfile', 'gone']);
    tar.resume();
    const error = await done.catch((reason: unknown) => reason);
    expect(error).toBeInstanceOf(BuildFailure);
    expect(error).toMatchObject({ code: 'source_unreadable' });
    expect(String(error)).toContain('gone');
  });
});
