import { execFileSync } from 'node:child_process';
import { mkdir, mkdtemp, readdir, readFile, rm, symlink, utimes, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { Readable } from 'node:stream';
import { setTimeout } from 'node:timers/promises';
import { zstdCompressSync } from 'node:zlib';
import fc from 'fast-check';
import { type Header, pack } from 'tar-stream';
import { afterEach, beforeEach, describe, expect, test } from 'vitest';
import { expandSlug } from './expand-slug.ts';
import { packFolder } from './pack-folder.ts';
import { scanTree, scanWithNode } from './scan-tree.ts';
import { runTool } from './tools.ts';
import { decompressZstd } from './zstd-frames.ts';

let folder: string;
beforeEach(async () => {
  folder = await mkdtemp(join(tmpdir(), 'slipway-box-'));
});
afterEach(async () => {
  await rm(folder, { recursive: true, force: true });
});

const never = new AbortController().signal;

async function bytesOf(stream: AsyncIterable<Buffer>): Promise<Buffer> {
  const chunks: Buffer[] = [];
  for await (const chunk of stream) chunks.push(chunk);
  return Buffer.concat(chunks);
}

/** Cuts bytes into chunks of the given sizes, over and over. */
function cut(bytes: Buffer, sizes: readonly number[]): Buffer[] {
  const chunks: Buffer[] = [];
  for (let at = 0, turn = 0; at < bytes.length; turn += 1) {
    const size = sizes[turn % sizes.length] ?? 1;
    chunks.push(bytes.subarray(at, at + size));
    at += size;
  }
  return chunks;
}

describe('decompressZstd', () => {
  test('gives the content of all frames, however they are cut into chunks', async () => {
    await fc.assert(
      fc.asyncProperty(
        fc.array(fc.uint8Array({ maxLength: 3000 }), { maxLength: 4 }),
        fc.array(fc.integer({ min: 1, max: 900 }), { minLength: 1, maxLength: 5 }),
        async (contents, sizes) => {
          const archive = Buffer.concat(contents.map((content) => zstdCompressSync(content)));
          const result = await bytesOf(decompressZstd(Readable.from(cut(archive, sizes))));
          expect(result.equals(Buffer.concat(contents))).toBe(true);
        },
      ),
      { numRuns: 40 },
    );
  });

  test('reads what the zstd command writes, and skips frames without data', async () => {
    const content = Buffer.alloc(5_000_000, 'some text that repeats ');
    const skippable = Buffer.concat([Buffer.from('502a4d1803000000', 'hex'), Buffer.from('abc')]);
    const frame = execFileSync('zstd', ['-q', '-c', '-19', '--long'], { input: content, maxBuffer: 2 ** 26 });
    const result = await bytesOf(
      decompressZstd(Readable.from([Buffer.concat([skippable, frame, skippable, frame])])),
    );
    expect(result.equals(Buffer.concat([content, content]))).toBe(true);
  });

  test('damage is an error', async () => {
    const archive = zstdCompressSync(Buffer.from('content that is long enough to be cut'.repeat(9)));
    const read = (bytes: Buffer): Promise<Buffer> => bytesOf(decompressZstd(Readable.from([bytes])));
    await expect(read(archive.subarray(0, -3))).rejects.toThrow('ends in the middle');
    await expect(read(Buffer.from('no zstd at all'))).rejects.toThrow('not zstd');
    await expect(read(Buffer.concat([archive, Buffer.from('tail')]))).rejects.toThrow('not zstd');
  });
});

test('both ways to list a folder see the same', async () => {
  await mkdir(join(folder, 'a/b c'), { recursive: true });
  await writeFile(join(folder, 'a/b c/new\nline'), 'x', { mode: 0o755 });
  await writeFile(Buffer.concat([Buffer.from(join(folder, 'a/')), Buffer.from([0x66, 0xe9])]), 'latin1 name');
  await symlink('b c/new\nline', join(folder, 'a/link'));
  const plain = (entries: Awaited<ReturnType<typeof scanTree>>) =>
    entries
      .map(({ type, mode, path, link, size }) => ({ type, mode, path, link, size: type === 'f' ? size : 0 }))
      .sort((a, b) => (a.path < b.path ? -1 : 1));
  expect(plain(await scanWithNode(folder))).toEqual(plain(await scanTree(folder)));
  for (const scope of [
    { roots: ['.'], deep: false },
    { roots: ['./a/b c'], deep: true },
  ])
    expect(plain(await scanWithNode(folder, scope))).toEqual(plain(await scanTree(folder, scope)));
  expect((await scanTree(folder)).map((entry) => entry.path)).toContain('./a/f\u00e9');
});

describe('packFolder', () => {
  const keys = async (byContent: readonly string[]): Promise<string[]> => {
    const found: string[] = [];
    for await (const part of packFolder({ folder, known: new Set(), byContent: new Set(byContent) })) {
      found.push(part.key);
      if (part.bytes) await bytesOf(part.bytes);
    }
    return found;
  };

  test('large folders are parts of their own, small ones are not', async () => {
    for (const name of ['small', 'large', 'node_modules']) await mkdir(join(folder, name));
    await writeFile(join(folder, 'small/file'), Buffer.alloc(1000));
    await writeFile(join(folder, 'large/file'), Buffer.alloc(5_000_000));
    expect(await keys([])).toHaveLength(2);
    await writeFile(join(folder, 'node_modules/file'), '');
    expect(await keys([])).toHaveLength(3);
  });

  test('content counts for what came with the source, size and time for the rest', async () => {
    const write = async (text: string): Promise<void> => {
      await writeFile(join(folder, 'file'), text);
      await utimes(join(folder, 'file'), 1, 1);
    };
    await write('one');
    const [before, beforeByTime] = [await keys(['file']), await keys([])];
    await write('two');
    expect(await keys(['file'])).not.toEqual(before);
    expect(await keys([])).toEqual(beforeByTime);
  });

  test('a reader that stops early leaves nothing running', async () => {
    for (const name of ['a', 'b']) {
      await mkdir(join(folder, name));
      await writeFile(join(folder, name, 'big'), Buffer.alloc(6_000_000, name));
    }
    for await (const part of packFolder({ folder, known: new Set(), byContent: new Set() })) {
      expect(part.bytes).not.toBeNull();
      break;
    }
  });

  test('a file that is gone is an error of its part, however late somebody reads that', async () => {
    for (const name of ['a', 'b', 'c']) {
      await mkdir(join(folder, name));
      await writeFile(join(folder, name, 'big'), Buffer.alloc(6_000_000, name));
    }
    const parts = packFolder({ folder, known: new Set(), byContent: new Set() });
    const first = await parts.next();
    await rm(join(folder, 'c'), { recursive: true });
    if (first.value?.bytes) await bytesOf(first.value.bytes);
    const second = await parts.next();
    await setTimeout(50);
    if (second.value?.bytes) await bytesOf(second.value.bytes);
    const third = await parts.next();
    await expect(bytesOf(third.value?.bytes ?? Readable.from([]))).rejects.toThrow(
      /archiving the slug failed/,
    );
    await parts.return();
  });

  test('a missing folder is an error', async () => {
    const parts = packFolder({ folder: join(folder, 'none'), known: new Set(), byContent: new Set() });
    await expect(parts.next()).rejects.toMatchObject({ name: 'RuntimeError' });
  });
});

test('a part of several zstd frames unpacks whole', async () => {
  const tar = pack();
  const content = Buffer.alloc(900_000, 'content of a file ');
  for (const name of ['one', 'two']) tar.entry({ name: `./app/${name}` }, content);
  tar.finalize();
  const frames = cut(await bytesOf(tar as never), [300_000, 17]).map((piece) => zstdCompressSync(piece));
  await mkdir(join(folder, 'target'));
  await expandSlug('expanding', Readable.from([Buffer.concat(frames)]), join(folder, 'target'), never);
  for (const name of ['one', 'two'])
    expect((await readFile(join(folder, 'target/app', name))).equals(content)).toBe(true);
});

test('an archive that ends where a record of tar ends unpacks whole', async () => {
  const tar = pack();
  tar.entry({ name: './app/file' }, Buffer.alloc(20 * 10_240 - 1536));
  tar.finalize();
  const bytes = await bytesOf(tar as never);
  expect(bytes.length % 10_240).toBe(0);
  for (let round = 0; round < 8; round += 1) {
    const target = join(folder, String(round));
    await mkdir(target);
    await expandSlug('expanding', Readable.from([zstdCompressSync(bytes)]), target, never);
    expect(await readdir(join(target, 'app'))).toEqual(['file']);
  }
});

describe('expandSlug refuses', () => {
  const archive = async (entries: readonly (Partial<Header> & { name: string })[]): Promise<Readable> => {
    const tar = pack();
    for (const entry of entries) tar.entry(entry, entry.type === undefined ? 'evil' : '');
    tar.finalize();
    return Readable.from([zstdCompressSync(await bytesOf(tar as never))]);
  };
  const expand = async (entries: Parameters<typeof archive>[0]): Promise<void> => {
    const target = join(folder, 'target');
    await mkdir(target);
    await expandSlug('expanding', await archive(entries), target, never);
  };

  test.each([
    ['a way up', [{ name: './app/../../evil.txt' }], 'outside'],
    ['an absolute path', [{ name: '/tmp/slipway-evil.txt' }], 'outside'],
    ['another folder than app', [{ name: 'etc/evil.txt' }], 'outside'],
    ['a device', [{ name: './app/disk', type: 'block-device', devmajor: 8, devminor: 0 }], 'block-device'],
    ['a pipe', [{ name: './app/pipe', type: 'fifo' }], 'fifo'],
    [
      'a hard link to the outside',
      [{ name: './app/link', type: 'link', linkname: '../secret' }],
      'leads outside',
    ],
    [
      'a file through a link',
      [{ name: './app/way', type: 'symlink', linkname: '/tmp' }, { name: './app/way/slipway-evil.txt' }],
      'through a symbolic link',
    ],
    [
      'a file in the place of a link',
      [{ name: './app/way', type: 'symlink', linkname: '../evil.txt' }, { name: './app/way' }],
      'through a symbolic link',
    ],
  ] as const)('%s', async (_what, entries, reason) => {
    await expect(expand(entries)).rejects.toThrow(reason);
    expect((await readdir(folder)).sort()).toEqual(['target']);
    await expect(readFile('/tmp/slipway-evil.txt')).rejects.toThrow('ENOENT');
  });

  test('but not links that point anywhere, as builds leave them', async () => {
    await expand([
      { name: './app/python', type: 'symlink', linkname: '/usr/bin/python3' },
      { name: './app/file' },
    ]);
    expect((await readdir(join(folder, 'target/app'))).sort()).toEqual(['file', 'python']);
  });

  test('and stops when told to', async () => {
    const target = join(folder, 'target');
    await mkdir(target);
    const source = await archive([{ name: './app/file' }]);
    await expect(expandSlug('expanding', source, target, AbortSignal.abort())).rejects.toMatchObject({
      code: 'cancelled',
    });
  });
});

test('runTool names the step and what the tool said', async () => {
  await expect(runTool('the step', 'cp', ['/no/such', folder])).rejects.toThrow(
    /the step failed: .*\/no\/such/,
  );
  await expect(runTool('the step', 'no-such-tool', [])).rejects.toMatchObject({
    name: 'RuntimeError',
    code: 'failed',
  });
  const full = runTool('the step', 'sh', ['-c', 'echo "tar: x: No space left on device" >&2; exit 2']);
  await expect(full).rejects.toMatchObject({ code: 'disk_full' });
});
