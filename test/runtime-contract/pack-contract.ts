import { execFile, spawnSync } from 'node:child_process';
import { once } from 'node:events';
import { lstat, mkdtemp, readFile, readlink, readdir, rm, stat, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { promisify } from 'node:util';
import { expect, test } from 'vitest';
import { extract } from 'tar-stream';
import type { ContractContext } from './suite.ts';
import { LIMIT, openBox, packed, script, type SourceEntry, sourceTar } from './world.ts';
import type { BuildBox } from '#engine/runtime/runtime.ts';

const run = promisify(execFile);

const LONG = `${'long-folder-name/'.repeat(12)}file-with-a-long-name-behind-a-long-path.txt`;
const NAMES: readonly SourceEntry[] = [
  { name: 'with space.txt', content: 'space' },
  { name: 'new\nline.txt', content: 'newline' },
  { name: 'grüße-日本.txt', content: 'utf8' },
  { name: '-dash.txt', content: 'dash' },
  { name: 'quote\'"$HOME`.txt', content: 'quote' },
  { name: 'back\\slash.txt', content: 'backslash' },
  { name: LONG, content: 'long' },
  { name: 'empty', content: '' },
  { name: 'run.sh', content: '#!/bin/sh\n', mode: 0o755 },
  { name: 'private', content: 'p', mode: 0o600 },
  { name: '.hidden/.file', content: 'hidden' },
  { name: 'folder/' },
  { name: 'link', link: 'with space.txt' },
  { name: 'folder/up', link: '../-dash.txt' },
  { name: 'dangling', link: 'nowhere' },
];

/** Makes a folder that builds restore from the cache, as a Node.js buildpack does. */
const INSTALL = `
  if [ -d "$CACHE/node_modules" ]; then cp -a "$CACHE/node_modules" node_modules; else
    mkdir -p node_modules/left node_modules/right
    for i in 1 2 3 4 5 6 7 8 9; do echo "module $i" > "node_modules/left/$i.js"; echo "$i" > "node_modules/right/$i.js"; done
    cp -a node_modules "$CACHE/node_modules"
  fi`;

/** What may happen to a folder that a build takes from the last one. */
const CHANGES = [
  'true',
  'echo "another module" > node_modules/left/3.js; touch -d @1000000000 node_modules/left/3.js node_modules/left',
  'chmod 600 node_modules/left/3.js',
  'mv node_modules/left/3.js node_modules/left/other.js',
  'rm node_modules/right/5.js; touch -d @1000000000 node_modules/right',
  'mkdir node_modules/empty',
  'ln -s right node_modules/link; true',
  'chmod 700 node_modules',
  'rm -r node_modules; mkdir node_modules; echo new > node_modules/new.js',
  'true',
];
/** Tells all of a folder. */
const TELL =
  'find . -mindepth 1 -printf "%P %y %m %l\\n" | LC_ALL=C sort; find . -type f | LC_ALL=C sort | xargs cksum';

/** Promises of `BuildBox.pack`. */
export function packContract({ world, app }: ContractContext): void {
  test(
    'names, modes and links survive; the archive is readable by zstd and tar',
    async () => {
      const parts = await packTree(app(), NAMES);
      const archive = Buffer.concat([...parts.values()].map((bytes) => bytes ?? Buffer.alloc(0)));
      await using out = await unpack(archive);
      const root = join(out.folder, 'app');
      for (const { name, content, mode, link } of NAMES) {
        const path = join(root, name);
        if (link !== undefined) expect(await readlink(path), name).toBe(link);
        else if (name.endsWith('/')) expect((await stat(path)).isDirectory(), name).toBe(true);
        else {
          expect(await readFile(path, 'utf8'), name).toBe(content);
          const owner = (await lstat(path)).mode & 0o700;
          expect(owner, name).toBe((mode ?? 0o644) & 0o700);
        }
      }
      expect(await readdir(out.folder)).toEqual(['app']);
    },
    LIMIT,
  );

  test(
    'entries are below ./app/, owned by 1000:1000, folders before what is in them',
    async () => {
      const parts = await packTree(app(), NAMES);
      const seen = new Set<string>(['./', './app/']);
      for (const header of await headers(parts)) {
        expect(header.name.startsWith('./app/'), header.name).toBe(true);
        expect([header.uid, header.gid], header.name).toEqual([1000, 1000]);
        const parent = `${header.name.replace(/\/$/, '').split('/').slice(0, -1).join('/')}/`;
        expect(seen.has(parent), `${parent} comes before ${header.name}`).toBe(true);
        if (header.type === 'directory')
          seen.add(header.name.endsWith('/') ? header.name : `${header.name}/`);
      }
    },
    LIMIT,
  );

  test(
    'an empty BUILD_DIR packs',
    async () => {
      const parts = await packTree(app(), []);
      expect(
        (await headers(parts)).filter((header) => header.name !== './app/' && header.name !== './app'),
      ).toEqual([]);
    },
    LIMIT,
  );

  test(
    'an unchanged folder from the cache keeps its key and comes without bytes when known',
    async () => {
      const appId = app();
      const first = await installAndPack(appId, 'one', new Set());
      const second = await installAndPack(appId, 'two', new Set(first.keys()));
      const third = await installAndPack(appId, 'two', new Set());
      expect([...first.keys()].slice(0, -1)).toEqual([...second.keys()].slice(0, -1));
      expect(first.size).toBeGreaterThan(1);
      expect([...first.keys()].at(-1)).not.toBe([...second.keys()].at(-1));
      expect([...second.values()].slice(0, -1).every((bytes) => bytes === null)).toBe(true);
      expect([...second.values()].at(-1)).toBeInstanceOf(Buffer);
      expect([...third.keys()].slice(0, -1)).toEqual([...first.keys()].slice(0, -1));
    },
    LIMIT,
  );

  test(
    'parts of two builds put together are one tar with the new content',
    async () => {
      const appId = app();
      const first = await installAndPack(appId, 'one', new Set());
      const second = await installAndPack(appId, 'two', new Set(first.keys()));
      const whole = [...second].map(([key, bytes]) => bytes ?? first.get(key) ?? Buffer.alloc(0));
      await using out = await unpack(Buffer.concat(whole));
      expect(await readFile(join(out.folder, 'app/main.js'), 'utf8')).toBe('two');
      expect(await readFile(join(out.folder, 'app/node_modules/left/3.js'), 'utf8')).toBe('module 3\n');
    },
    LIMIT,
  );

  test(
    'a changed file gives its part another key, also with the same size and time',
    async () => {
      const appId = app();
      const keys = new Set<string>();
      for (const content of ['one', 'two']) {
        const box = await openBox(world().runtime, appId);
        try {
          await box.putSource(
            sourceTar([
              { name: 'vendor/lib.txt', content },
              { name: 'main.txt', content },
            ]),
          );
          await script(box, 'touch -t 202001010000 vendor/lib.txt main.txt vendor .');
          for (const key of (await packed(box)).keys()) keys.add(key);
        } finally {
          await box.close();
        }
      }
      expect(keys.size % 2).toBe(0);
      expect(keys.size).toBeGreaterThanOrEqual(2);
    },
    LIMIT,
  );

  test(
    'a folder from the last build is known as long as nothing in it is changed, and in the slug as it is',
    async () => {
      const appId = app();
      const known = new Map<string, Buffer>();
      for (const [at, change] of CHANGES.entries()) {
        const { parts, told } = await takeAndPack(appId, change, new Set(known.keys()));
        const inner = [...parts.values()].slice(0, -1);
        expect(inner.length, change).toBe(1);
        expect(inner[0] === null, change).toBe(at > 0 && change === 'true');
        for (const [key, bytes] of parts) if (bytes !== null) known.set(key, bytes);
        await using out = await unpack(
          Buffer.concat([...parts.keys()].map((key) => known.get(key) ?? Buffer.alloc(0))),
        );
        const { stdout } = await run('sh', ['-c', `cd "$1" && ${TELL}`, 'sh', join(out.folder, 'app')]);
        expect(stdout, change).toBe(told);
      }
    },
    LIMIT,
  );

  test(
    'a folder of the kept list is not looked into, in that build alone and only when the one before it was packed',
    async () => {
      const appId = app();
      const { parts: first } = await takeAndPack(appId, 'true', new Set());
      const isKnown = async (change: string, pack = true): Promise<boolean | undefined> => {
        const { parts } = await takeAndPack(appId, change, new Set(first.keys()), pack);
        return [...parts.values()][0] === null;
      };
      const change = 'echo another > node_modules/left/3.js';
      const back = 'echo "module 3" > node_modules/left/3.js; touch -d @1000000000 node_modules/left/3.js';
      // Where everything is looked at a change is seen; where the list counts this build says what is not true.
      expect(await isKnown(`${change}; echo node_modules >> "$KEPT"`)).toBe(
        world().runtime.kind === 'docker',
      );
      expect(await isKnown('true')).toBe(false);
      await isKnown(back);
      await isKnown(change, false);
      expect(await isKnown('echo node_modules >> "$KEPT"')).toBe(false);
    },
    LIMIT,
  );

  test(
    'content that does not compress and is larger than any buffer comes whole',
    async () => {
      const box = await openBox(world().runtime, app());
      try {
        const made = await script(
          box,
          'mkdir vendor; head -c 9000000 /dev/urandom > vendor/big; cksum < vendor/big',
        );
        const parts = await packed(box);
        await using out = await unpack(
          Buffer.concat([...parts.values()].map((bytes) => bytes ?? Buffer.alloc(0))),
        );
        const { stdout } = await run('sh', ['-c', 'cksum < "$1"', 'sh', join(out.folder, 'app/vendor/big')]);
        expect(stdout).toBe(made.output);
      } finally {
        await box.close();
      }
    },
    LIMIT,
  );

  async function packTree(
    appId: string,
    entries: readonly SourceEntry[],
  ): Promise<Map<string, Buffer | null>> {
    const box = await openBox(world().runtime, appId);
    try {
      await box.putSource(sourceTar(entries));
      return await packed(box);
    } finally {
      await box.close();
    }
  }

  /** A build that takes node_modules from the last one and changes something. */
  async function takeAndPack(appId: string, change: string, known: ReadonlySet<string>, pack = true) {
    const box = await openBox(world().runtime, appId);
    try {
      await box.putSource(sourceTar([{ name: 'main.js', content: change }]));
      const take = `if [ -d "$LAST/node_modules" ]; then mv "$LAST/node_modules" .; else ${INSTALL}
        find node_modules -exec touch -d @1000000000 {} +; fi; ${change}; ${TELL}`;
      const env = {
        ...{ CACHE: box.cacheDir, LAST: box.env['SLIPWAY_LAST_BUILD'] ?? '' },
        KEPT: box.keptList ?? '/dev/null',
      };
      const { code, output } = await script(box, take, env);
      expect(code, output).toBe(0);
      return { parts: pack ? await packed(box, known) : new Map<string, Buffer | null>(), told: output };
    } finally {
      await box.close();
    }
  }

  async function installAndPack(appId: string, content: string, known: ReadonlySet<string>) {
    const box: BuildBox = await openBox(world().runtime, appId);
    try {
      await box.putSource(sourceTar([{ name: 'main.js', content }]));
      const { code, output } = await script(box, INSTALL, { CACHE: box.cacheDir });
      expect(code, output).toBe(0);
      return await packed(box, known);
    } finally {
      await box.close();
    }
  }
}

/** Expands an archive with the system's zstd and tar. */
async function unpack(archive: Buffer): Promise<{ folder: string } & AsyncDisposable> {
  const folder = await mkdtemp(join(tmpdir(), 'contract-unpack-'));
  const file = `${folder}.tar.zst`;
  await writeFile(file, archive);
  await run('bash', [
    '-c',
    'set -o pipefail; zstd -q -d -c "$1" | tar -x -f - -C "$2"',
    'bash',
    file,
    folder,
  ]);
  await rm(file);
  return {
    folder,
    [Symbol.asyncDispose]: () => rm(folder, { recursive: true, force: true }),
  };
}

interface Header {
  readonly name: string;
  readonly type: string | null | undefined;
  readonly uid: number | undefined;
  readonly gid: number | undefined;
}

/** Headers of all entries, in file order. */
async function headers(parts: ReadonlyMap<string, Buffer | null>): Promise<Header[]> {
  const found: Header[] = [];
  const tar = extract();
  tar.on('entry', (header, stream, next) => {
    found.push({ name: header.name, type: header.type, uid: header.uid, gid: header.gid });
    stream.on('end', next).resume();
  });
  const finished = once(tar, 'finish');
  for (const bytes of parts.values()) {
    if (bytes !== null)
      tar.write(spawnSync('zstd', ['-q', '-d', '-c'], { input: bytes, maxBuffer: 2 ** 28 }).stdout);
  }
  tar.end(Buffer.alloc(0));
  await finished;
  return found;
}
