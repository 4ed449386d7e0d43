import { mkdtemp, mkdir, rm, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { Readable } from 'node:stream';
import { RuntimeError } from '#engine/runtime/runtime.ts';
import { expect, test } from 'vitest';
import type { ContractContext } from './suite.ts';
import { freshId, LIMIT, never, openBox, script, sourceTar, STACK, until } from './world.ts';

/** Promises of `BuildBox` but for `pack`. */
export function buildContract({ world, app }: ContractContext): void {
  test('info names the runtime and says whether it isolates', () => {
    const info = world().runtime.info();
    expect(info.kind).toBe(world().runtime.kind);
    expect(info.version).not.toBe('');
    if (!info.isolated) expect(info.notes.join(' ')).toMatch(/not isolate/i);
  });

  test(
    'prepare may be called again and at the same time',
    async () => {
      const { runtime } = world();
      await Promise.all([
        runtime.prepare(STACK, () => undefined, never),
        runtime.prepare(STACK, () => undefined, never),
      ]);
    },
    LIMIT,
  );

  test(
    'scripts run in BUILD_DIR, which holds the source',
    async () => {
      await using box = await boxWith([
        { name: 'hello.txt', content: 'hello' },
        { name: 'a/b.txt', content: 'deep' },
      ]);
      const seen = await script(box.box, 'pwd; cat hello.txt a/b.txt');
      expect(seen).toEqual({ code: 0, output: `${box.box.buildDir}\nhellodeep` });
    },
    LIMIT,
  );

  test(
    'scripts have the variables of the box and of the run, and not those of the engine',
    async () => {
      process.env.SLIPWAY_CONTRACT_SECRET = 'of the engine';
      await using box = await boxWith([]);
      const { output } = await script(
        box.box,
        'echo "$STACK|$EXTRA|${SLIPWAY_CONTRACT_SECRET-none}|${DYNO-none}|${PORT-none}"; [ -d "$HOME" ] && echo home',
        { EXTRA: 'two\nlines "quoted" $HOME' },
      );
      expect(output).toBe(`${STACK}|two\nlines "quoted" $HOME|none|none|none\nhome\n`);
      for (const name of ['HOME', 'PATH', 'STACK']) expect(box.box.env[name], name).toBeTruthy();
    },
    LIMIT,
  );

  test(
    'standard output and error come in the order they were written',
    async () => {
      await using box = await boxWith([]);
      const { output } = await script(
        box.box,
        'for i in $(seq 1 200); do echo "out $i"; echo "err $i" >&2; done',
      );
      const wanted = Array.from(
        { length: 200 },
        (_, i) => `out ${String(i + 1)}\nerr ${String(i + 1)}\n`,
      ).join('');
      expect(output).toBe(wanted);
    },
    LIMIT,
  );

  test(
    'the exit code is that of the script, 128 + n after a signal',
    async () => {
      await using box = await boxWith([]);
      expect((await script(box.box, 'exit 7')).code).toBe(7);
      expect((await script(box.box, 'kill -KILL $$')).code).toBe(137);
      expect((await script(box.box, 'false; true')).code).toBe(0);
      expect((await script(box.box, 'no-such-command-here')).code).toBe(127);
    },
    LIMIT,
  );

  test(
    'scripts cannot read input and are not held up by it',
    async () => {
      await using box = await boxWith([]);
      expect(await script(box.box, 'read -r line || echo "no input"')).toEqual({
        code: 0,
        output: 'no input\n',
      });
    },
    LIMIT,
  );

  test(
    'an abort ends the script and all it started',
    async () => {
      await using box = await boxWith([]);
      const abort = new AbortController();
      let pids = '';
      const run = box.box.run('trap "" TERM; sleep 600 & echo "$!"; echo "$$"; while :; do sleep 0.2; done', {
        onOutput: (chunk) => {
          pids += chunk.toString();
        },
        signal: abort.signal,
      });
      await until('two process ids', () => pids.split('\n').length === 3);
      abort.abort();
      await expect(run).rejects.toMatchObject({ name: 'RuntimeError', code: 'cancelled' });
      const alive = `for pid in ${pids.replaceAll('\n', ' ')}; do kill -0 "$pid" 2>/dev/null && echo alive; done; true`;
      await until('the processes to be gone', async () => (await script(box.box, alive)).output === '');
    },
    LIMIT,
  );

  test(
    'an abort before the run runs nothing',
    async () => {
      await using box = await boxWith([]);
      const run = box.box.run('touch ran', { onOutput: () => undefined, signal: AbortSignal.abort() });
      await expect(run).rejects.toMatchObject({ code: 'cancelled' });
      expect(await box.box.readFile(`${box.box.buildDir}/ran`)).toBeNull();
    },
    LIMIT,
  );

  test(
    'ENV_DIR holds one file for each config var, bytes and all',
    async () => {
      await using box = await boxWith([]);
      const vars = { PLAIN: 'value', LINES: 'one\ntwo\n', EMPTY: '', UTF8: 'grüße 日本', _UNDER: '-n' };
      await box.box.putEnv(vars);
      for (const [name, value] of Object.entries(vars)) {
        expect((await box.box.readFile(`${box.box.envDir}/${name}`))?.toString(), name).toBe(value);
      }
      const { output } = await script(box.box, 'ls "$1" 2>/dev/null || ls "$ENVIRONMENT"', {
        ENVIRONMENT: box.box.envDir,
      });
      expect(output.split('\n').filter(Boolean).sort()).toEqual(Object.keys(vars).sort());
    },
    LIMIT,
  );

  test(
    'readFile gives bytes, null for a missing file, and an error for a large one',
    async () => {
      await using box = await boxWith([
        { name: 'x.bin', content: 'a\0b' },
        { name: 'ten', content: '0123456789' },
      ]);
      const path = (name: string): string => `${box.box.buildDir}/${name}`;
      expect(await box.box.readFile(path('x.bin'))).toEqual(Buffer.from('a\0b'));
      expect(await box.box.readFile(path('missing'))).toBeNull();
      expect(await box.box.readFile(path('no/such/folder'))).toBeNull();
      expect((await box.box.readFile(path('ten'), 10))?.length).toBe(10);
      await expect(box.box.readFile(path('ten'), 9)).rejects.toMatchObject({ code: 'too_large' });
    },
    LIMIT,
  );

  test(
    'a buildpack of the spec is at hand, and executable',
    async () => {
      const folder = await mkdtemp(join(tmpdir(), 'contract-buildpack-'));
      await mkdir(join(folder, 'bin'));
      await writeFile(join(folder, 'bin/detect'), '#!/usr/bin/env bash\necho "$1 here"\n', { mode: 0o755 });
      const { runtime } = world();
      const spec = { buildId: freshId('build'), appId: app(), stack: STACK, clearCache: false };
      const box = await runtime.openBuild({ ...spec, buildpacks: [{ name: 'contract', folder }] }, never);
      try {
        const { code, output } = await script(box, '"$PACK/bin/detect" it', {
          PACK: box.buildpackDir('contract'),
        });
        expect({ code, output }).toEqual({ code: 0, output: 'it here\n' });
        expect(() => box.buildpackDir('unknown')).toThrow(RuntimeError);
      } finally {
        await box.close();
        await rm(folder, { recursive: true });
      }
    },
    LIMIT,
  );

  test(
    'each build has changeable buildpacks as they are now, whatever the one before did to them',
    async () => {
      const folder = await mkdtemp(join(tmpdir(), 'contract-buildpack-'));
      const { runtime } = world();
      const spec = { appId: app(), stack: STACK, clearCache: false };
      const read = async (names: readonly string[], after: string): Promise<string> => {
        const buildpacks = names.map((name) => ({ name, folder, changeable: true }));
        const box = await runtime.openBuild({ ...spec, buildId: freshId('build'), buildpacks }, never);
        const pack = box.buildpackDir('contract');
        const { output } = await script(box, `cat "$PACK"/*; ${after}`, { PACK: pack }).finally(() =>
          box.close(),
        );
        return output;
      };
      try {
        await writeFile(join(folder, 'file'), 'one\n');
        expect(await read(['other', 'contract'], 'echo changed > "$PACK/file"; echo new > "$PACK/new"')).toBe(
          'one\n',
        );
        expect(await read(['contract'], 'rm -rf "$PACK"')).toBe('one\n');
        await writeFile(join(folder, 'file'), 'two\n');
        expect(await read(['contract'], '')).toBe('two\n');
      } finally {
        await rm(folder, { recursive: true });
      }
    },
    LIMIT,
  );

  test(
    'the cache survives from build to build; BUILD_DIR and ENV_DIR do not',
    async () => {
      const appId = app();
      const first = await openBox(world().runtime, appId);
      await first.putSource(sourceTar([{ name: 'old.txt', content: 'old' }]));
      await first.putEnv({ OLD: 'old' });
      await script(first, 'mkdir -p "$CACHE/sub" && echo kept > "$CACHE/sub/file" && touch new', {
        CACHE: first.cacheDir,
      });
      await first.close();
      await first.close();
      const second = await openBox(world().runtime, appId);
      try {
        await second.putSource(sourceTar([{ name: 'source.txt', content: '' }]));
        await second.putEnv({});
        const { output } = await script(second, 'ls; ls "$ENVS"; cat "$CACHE/sub/file"', {
          CACHE: second.cacheDir,
          ENVS: second.envDir,
        });
        expect(output).toBe('source.txt\nkept\n');
      } finally {
        await second.close();
      }
    },
    LIMIT,
  );

  test(
    'clearCache empties the cache, and only of this app',
    async () => {
      const { runtime } = world();
      const [one, other] = [app(), app()];
      for (const appId of [one, other]) {
        const box = await openBox(runtime, appId);
        await script(box, 'echo kept > "$CACHE/file"; echo kept > "$CACHE/.hidden"', { CACHE: box.cacheDir });
        await box.close();
      }
      for (const [appId, clear, wanted] of [
        [one, true, ''],
        [other, false, '.hidden\nfile\n'],
      ] as const) {
        const box = await openBox(runtime, appId, clear);
        const { output } = await script(box, 'cd "$CACHE" && ls -A file .hidden 2>/dev/null; true', {
          CACHE: box.cacheDir,
        });
        await box.close();
        expect(output).toBe(wanted);
      }
    },
    LIMIT,
  );

  test(
    'cache and BUILD_DIR are on one filesystem: hard links and moves between them work',
    async () => {
      await using box = await boxWith([{ name: 'a', content: 'a' }]);
      const { code } = await script(box.box, 'ln a "$CACHE/a" && mkdir d && mv d "$CACHE/d"', {
        CACHE: box.box.cacheDir,
      });
      expect(code).toBe(0);
    },
    LIMIT,
  );

  test(
    'close ends what a script left running',
    async () => {
      const box = await openBox(world().runtime, app());
      const { output } = await script(box, '(trap "" HUP TERM; exec sleep 600) >/dev/null 2>&1 & echo "$!"');
      expect(output).toMatch(/^\d+\n$/);
      await box.close();
    },
    LIMIT,
  );

  test(
    'a broken source tar is an error',
    async () => {
      const box = await openBox(world().runtime, app());
      try {
        await expect(box.putSource(Readable.from([Buffer.alloc(2000, 65)]))).rejects.toMatchObject({
          name: 'RuntimeError',
        });
      } finally {
        await box.close();
      }
    },
    LIMIT,
  );

  async function boxWith(entries: Parameters<typeof sourceTar>[0]) {
    const box = await openBox(world().runtime, app());
    await box.putSource(sourceTar(entries));
    return { box, [Symbol.asyncDispose]: () => box.close() };
  }
}
