import { randomUUID } from 'node:crypto';
import { access, cp, mkdir, readdir, rename, rm } from 'node:fs/promises';
import { join } from 'node:path';
import type { Readable } from 'node:stream';
import { SlipwayError } from '#shared/errors.ts';
import { expandUpload } from '../slug/upload.ts';

/** Contents that a browser sent, each until it is compiled. */
export class Uploads {
  private readonly folder: string;

  constructor(folder: string) {
    this.folder = folder;
  }

  /**
   * Takes a tar of a project folder's contents.
   * @returns the name to give to `builds.start`
   * @throws SlipwayError `invalid_params` or `too_large` when the archive is unsafe, broken or too large
   */
  async receive(tar: Readable): Promise<{ upload: string }> {
    const upload = randomUUID();
    const folder = join(this.folder, upload);
    await mkdir(folder);
    try {
      await expandUpload(tar, folder);
      return { upload };
    } catch (error) {
      await rm(folder, { recursive: true, force: true });
      throw error;
    }
  }

  /**
   * Takes an upload away for one build and answers with its folder.
   * @throws SlipwayError `not_found` when it is not there or was taken before
   */
  async claim(upload: string): Promise<string> {
    const folder = await this.find(upload);
    const taken = this.newFolder();
    try {
      await rename(folder, taken);
      return taken;
    } catch (error) {
      throw noUpload(upload, error);
    }
  }

  /** The folder of an upload that waits to be taken. @throws SlipwayError `not_found` */
  async find(upload: string): Promise<string> {
    const folder = join(this.folder, upload);
    try {
      if (!/^[0-9a-f-]{36}$/.test(upload)) throw new Error('not an upload');
      await access(folder);
      return folder;
    } catch (error) {
      throw noUpload(upload, error);
    }
  }

  /** Makes a copy of a folder for one build and answers with its place. */
  async copy(folder: string): Promise<string> {
    const taken = this.newFolder();
    await cp(folder, taken, { recursive: true });
    return taken;
  }

  /** Removes the folder of a claimed upload or a copy. */
  async discard(folder: string): Promise<void> {
    await rm(folder, { recursive: true, force: true });
  }

  /** Removes everything; at start nothing of it is of use any more. */
  async clear(): Promise<void> {
    for (const name of await readdir(this.folder)) await this.discard(join(this.folder, name));
  }

  private newFolder(): string {
    return join(this.folder, `${randomUUID()}.taken`);
  }
}

function noUpload(upload: string, cause: unknown): SlipwayError {
  return new SlipwayError(
    'not_found',
    `There is no upload ${upload}. Send the folder's contents once more.`,
    { cause },
  );
}
