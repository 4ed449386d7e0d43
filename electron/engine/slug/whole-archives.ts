import { createHash } from 'node:crypto';
import { createReadStream, type Stats } from 'node:fs';
import { stat } from 'node:fs/promises';
import { pipeline } from 'node:stream/promises';
import { ChecksumError } from './checksum.ts';
import { systemCode } from './failure.ts';

interface Reading {
  /** What the file was when it was read; the system changes it with whatever is written to the file. */
  readonly identity: string;
  readonly digest: Promise<string>;
}

/** Knows of slug archives whether they are what was written, and reads each as rarely as can be. */
export class WholeArchives {
  private readonly readings = new Map<string, Reading>();

  /** Takes note of an archive that was hashed as it was written. */
  wrote(sha256: string, file: Stats): void {
    this.readings.set(sha256, { identity: identityOf(file), digest: Promise.resolve(sha256) });
  }

  /** See `SlugStore.verify`. @throws ChecksumError */
  async verify(sha256: string, path: string): Promise<void> {
    const file = await stat(path).catch((error: unknown) => {
      if (systemCode(error) === 'ENOENT') return null;
      throw error;
    });
    if (file === null) return;
    const identity = identityOf(file);
    let reading = this.readings.get(sha256);
    if (reading?.identity !== identity) {
      reading = { identity, digest: digestOf(path) };
      this.readings.set(sha256, reading);
      // One that could not be read says nothing of the archive.
      reading.digest.catch(() => this.readings.delete(sha256));
    }
    const actual = await reading.digest;
    if (actual !== sha256) throw new ChecksumError(sha256, actual);
  }
}

function identityOf({ dev, ino, size, mtimeMs, ctimeMs }: Stats): string {
  return [dev, ino, size, mtimeMs, ctimeMs].join(' ');
}

async function digestOf(path: string): Promise<string> {
  const hash = createHash('sha256');
  await pipeline(createReadStream(path, { highWaterMark: 1024 * 1024 }), hash);
  return hash.digest('hex');
}
