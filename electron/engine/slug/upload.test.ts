import { existsSync } from 'node:fs';
import { mkdir, mkdtemp, readdir, readFile, rm } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { Readable } from 'node:stream';
import { afterEach, beforeEach, describe, expect, it } from 'vitest';
import { type Header, pack } from 'tar-stream';
import { expandUpload } from './upload.ts';

let outer: string;
let folder: string;

beforeEach(async () => {
  outer = await mkdtemp(join(tmpdir(), 'slipway-upload-'));
  folder = join(outer, 'in');
  await mkdir(folder);
});

afterEach(async () => {
  await rm(outer, { recursive: true, force: true });
});

type Entry = Partial<Header> & { readonly name: string; readonly content?: string };

function tar(entries: Iterable<Entry>): Readable {
  const archive = pack();
  for (const { content, ...header } of entries) archive.entry(header, content ?? '');
  archive.finalize();
  return Readable.from(archive as AsyncIterable<Buffer>);
}

describe('an archive from outside', () => {
  it('is unpacked with its files, folders and links', async () => {
    await expandUpload(
      tar([
        { name: './bin/', type: 'directory' },
        { name: './bin/run', mode: 0o755, content: 'go' },
        { name: 'link', type: 'symlink', linkname: 'bin/run' },
        { name: 'bin/up', type: 'symlink', linkname: '../bin' },
      ]),
      folder,
    );
    expect((await readdir(folder)).sort()).toEqual(['bin', 'link']);
    expect(await readFile(join(folder, 'link'), 'utf8')).toBe('go');
  });

  it.each<[string, Entry[]]>([
    ['a path with ..', [{ name: '../evil', content: 'x' }]],
    ['.. within a path', [{ name: 'a/../../evil', content: 'x' }]],
    ['an absolute path', [{ name: '/evil', content: 'x' }]],
    ['a link out', [{ name: 'l', type: 'symlink', linkname: '../evil' }]],
    ['an absolute link', [{ name: 'l', type: 'symlink', linkname: '/etc/passwd' }]],
    [
      'a file behind a link',
      [
        { name: 'l', type: 'symlink', linkname: '.' },
        { name: 'l/m', type: 'symlink', linkname: '..' },
        { name: 'm/evil', content: 'x' },
      ],
    ],
    [
      'a file behind a link with another spelling',
      [
        { name: 'L', type: 'symlink', linkname: '.' },
        { name: 'l/evil', content: 'x' },
      ],
    ],
    [
      'a file in the place of a link',
      [
        { name: 'l', type: 'symlink', linkname: 'e' },
        { name: 'l', content: 'x' },
      ],
    ],
    ['a hard link', [{ name: 'l', type: 'link', linkname: '/etc/passwd' }]],
    ['a device', [{ name: 'null', type: 'character-device', devmajor: 1, devminor: 3 }]],
    ['a block device', [{ name: 'disk', type: 'block-device', devmajor: 8, devminor: 0 }]],
    ['a fifo', [{ name: 'pipe', type: 'fifo' }]],
  ])('with %s is refused, and nothing is outside the folder', async (_, entries) => {
    await expect(expandUpload(tar(entries), folder)).rejects.toMatchObject({ code: 'invalid_params' });
    expect(existsSync(join(outer, 'evil'))).toBe(false);
    expect(await readdir(outer)).toEqual(['in']);
  });

  it('of too many entries is refused', async () => {
    const chunks: Buffer[] = [];
    for await (const chunk of tar([{ name: 'd/', type: 'directory' }])) chunks.push(chunk as Buffer);
    const head = Buffer.concat(chunks).subarray(0, 512);
    const thousand = Buffer.concat(Array.from({ length: 1_000 }, () => head));
    const many = Readable.from(Array.from({ length: 3 }, () => thousand));
    await expect(expandUpload(many, folder, { maxEntries: 2_000 })).rejects.toMatchObject({
      code: 'too_large',
    });
  });

  it('of files that are too large together is refused before they are written', async () => {
    const archive = pack();
    archive.entry({ name: 'big', size: 2 ** 31 }).on('error', () => undefined);
    const started = Readable.from(archive as AsyncIterable<Buffer>);
    await expect(expandUpload(started, folder)).rejects.toMatchObject({ code: 'too_large' });
    expect(await readdir(folder)).toEqual([]);
  });

  it('that is cut off, or no archive, is refused', async () => {
    const chunks: Buffer[] = [];
    for await (const chunk of tar([{ name: 'a', content: 'x'.repeat(5_000) }])) chunks.push(chunk as Buffer);
    const whole = Buffer.concat(chunks);
    await expect(expandUpload(Readable.from([whole.subarray(0, 2_000)]), folder)).rejects.toMatchObject({
      code: 'invalid_params',
    });
    await expect(expandUpload(Readable.from([Buffer.alloc(4_096, 'rubbish')]), folder)).rejects.toMatchObject(
      {
        code: 'invalid_params',
      },
    );
  });
});
