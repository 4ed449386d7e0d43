import { spawnSync } from 'node:child_process';
import { chmod, cp, mkdir, mkdtemp, readFile, rename, rm, utimes, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterEach, beforeEach, describe, expect, it } from 'vitest';

const PACKS = join(import.meta.dirname, '..', '..', 'buildpacks');

/** A date behind any build of these tests. */
const LATER = new Date('2100-01-01');

/** A buildpack whose build makes `out/` and two files beside sources, all with the date of the build. */
const COMPILE = `
set -euo pipefail
. "$PACKS/common/common.sh"
compile_begin "$1" "$2" "$3"
built_begin try "$PACK" "$4"
if ! built_take; then
  echo "built from scratch"
  mkdir -p out/deep tmp
  date +%s%N | tee out/deep/made src/generated tmp/lost >out/made
  ln -s deep/made out/link
  eval "\${EXTRA:-}"
  built_note
fi
`;

describe('a build of sources that have not changed', () => {
  let work: string;
  const at = (...names: string[]): string => join(work, ...names);
  const read = (...names: string[]): Promise<string> => readFile(at(...names), 'utf8');

  beforeEach(async () => {
    work = await mkdtemp(join(tmpdir(), 'slipway-built-'));
    for (const folder of ['app/src', 'cache', 'env', 'pack/bin', 'pack/lib'])
      await mkdir(at(folder), { recursive: true });
    await writeFile(at('app', 'src', 'a file.txt'), 'one');
    await writeFile(at('pack', 'bin', 'compile'), COMPILE);
    await writeFile(at('pack', 'lib', 'tool.sh'), '');
  });
  afterEach(() => rm(work, { recursive: true, force: true }));

  /** Builds the app as the engine does, and keeps the build folder as the last one. @returns what was printed */
  const build = async (word = 'tool 1', extra = ''): Promise<string> => {
    await rm(at('build'), { recursive: true, force: true });
    await cp(at('app'), at('build'), { recursive: true });
    const env = { PATH: process.env['PATH'], PACKS, PACK: at('pack'), EXTRA: extra };
    const args = [at('pack', 'bin', 'compile'), at('build'), at('cache'), at('env'), word];
    const { stdout, stderr, status } = spawnSync('bash', args, {
      env: { ...env, SLIPWAY_LAST_BUILD: at('last') },
      encoding: 'utf8',
    });
    expect(status, stderr).toBe(0);
    for (const removed of ['tmp', 'log']) await rm(at('build', removed), { recursive: true, force: true });
    await rm(at('last'), { recursive: true, force: true });
    await rename(at('build'), at('last'));
    return stdout;
  };

  it('takes what the last one made, as often as wanted', async () => {
    expect(await build()).toBe('built from scratch\n');
    const made = await read('last', 'out', 'deep', 'made');
    for (let times = 0; times < 2; times++) {
      expect(await build()).toContain('What it made is taken again');
      for (const name of ['out/deep/made', 'out/made', 'out/link', 'src/generated'])
        expect(await read('last', name)).toBe(made);
    }
  });

  it.each([
    ['a file', () => writeFile(at('app', 'src', 'a file.txt'), 'two')],
    ['a new file', () => writeFile(at('app', 'src', 'b'), '')],
    ['a new folder', () => mkdir(at('app', 'out'))],
    ['the mode of a file', () => chmod(at('app', 'src', 'a file.txt'), 0o755)],
    ['a config var', () => writeFile(at('env', 'NODE_ENV'), 'test')],
    ['the buildpack', () => writeFile(at('pack', 'lib', 'tool.sh'), '# new')],
    ['what it made, by a later buildpack', () => utimes(at('last', 'out', 'made'), LATER, LATER)],
    ['what it made, which is gone', () => rm(at('last', 'src', 'generated'))],
  ])('builds again after a change of %s', async (_name, change) => {
    await build();
    expect(await build()).toContain('What it made is taken again');
    await change();
    expect(await build()).toBe('built from scratch\n');
  });

  it('builds again with another tool, and after a build that changed its sources', async () => {
    await build();
    expect(await build('tool 2', 'echo two >"src/a file.txt"')).toBe('built from scratch\n');
    expect(await build('tool 2', 'rm "src/a file.txt"')).toBe('built from scratch\n');
    expect(await build('tool 2')).toBe('built from scratch\n');
    expect(await build('tool 2')).toContain('What it made is taken again');
  });
});
