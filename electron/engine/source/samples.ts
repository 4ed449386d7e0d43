import { readFile } from 'node:fs/promises';
import { join } from 'node:path';
import * as z from 'zod';
import { SlipwayError } from '#shared/errors.ts';
import { AppName } from '#shared/model/names.ts';
import { Sample } from '#shared/model/source.ts';

const SampleFile = z.array(Sample.extend({ name: AppName }));

/** The sample apps that come with Slipway: `samples.json`, and a folder for each. */
export class Samples {
  private readonly root: string;

  constructor(root: string) {
    this.root = root;
  }

  /** In the order in which they are shown. */
  async list(): Promise<Sample[]> {
    return SampleFile.parse(JSON.parse(await readFile(join(this.root, 'samples.json'), 'utf8')));
  }

  /** The folder of a sample. @throws SlipwayError `not_found` */
  async folder(name: string): Promise<string> {
    const samples = await this.list();
    if (samples.some((each) => each.name === name)) return join(this.root, name);
    throw new SlipwayError(
      'not_found',
      `There is no sample app "${name}". Choose one of: ${samples.map((each) => each.name).join(', ')}.`,
    );
  }
}
