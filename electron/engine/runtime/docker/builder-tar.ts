import { pipeline, Readable } from 'node:stream';
import { buffer } from 'node:stream/consumers';
import { posix } from 'node:path';
import tar from 'tar-stream';
import { RuntimeError } from '../runtime.ts';
import type { Builder } from './builder-image.ts';
import { CA_BUNDLE } from './certificates.ts';

type Owner = Pick<Builder, 'uid' | 'gid'>;

/** What a build container gets besides the source: its folders, the machine's certificates, and variables as a file each. */
export function builderTar(
  { uid, gid }: Owner,
  pem: string,
  env: Readonly<Record<string, string>>,
): Promise<Buffer> {
  const pack = tar.pack();
  const mtime = new Date(0);
  for (const name of ['workspace', 'layers', 'platform', 'platform/env'])
    pack.entry({ name, type: 'directory', mode: 0o755, uid, gid, mtime });
  pack.entry({ name: CA_BUNDLE.slice(1), mode: 0o644, uid: 0, gid: 0, mtime }, pem);
  for (const [name, value] of Object.entries(env)) {
    if (!/^[^/\0]+$/.test(name) || name === '.' || name === '..')
      throw new RuntimeError('failed', `The config var "${name}" cannot be a file name. Rename it.`);
    pack.entry({ name: `platform/env/${name}`, mode: 0o600, uid, gid, mtime }, value);
  }
  pack.finalize();
  return buffer(pack);
}

/** A tar of files with all of it, and the folders that they are in, given to a user. */
export function ownedBy(source: Readable, { uid, gid }: Owner): Readable {
  const given = tar.pack();
  const known = new Set(['.', '/']);
  const folder = (name: string): void => {
    if (known.has(name)) return;
    folder(posix.dirname(name));
    known.add(name);
    given.entry({ name, type: 'directory', mode: 0o755, uid, gid });
  };
  const extract = tar.extract();
  extract.on('entry', (header, content, next) => {
    const name = posix.normalize(header.name);
    folder(posix.dirname(name));
    const { type, size, mode, mtime, linkname } = header;
    const entry = given.entry(
      { name, type, size, mode, mtime, linkname, uid, gid, uname: '', gname: '' },
      next,
    );
    if (type === 'file') content.pipe(entry);
    else content.resume();
  });
  extract.on('finish', () => {
    given.finalize();
  });
  pipeline(source, extract, (error) => {
    if (error) given.destroy(error);
  });
  return Readable.from(given);
}
