import { cp, mkdtemp, rm, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';

const EXPRESS_APP = join(import.meta.dirname, '..', '..', 'fixtures', 'express-app');

/** A copy of the Express app that a test may change; `remove` ends it. */
export interface AppFolder {
  readonly path: string;
  /** Writes a file of the project. */
  write(name: string, content: string): Promise<void>;
  /** Changes one line: what `GET /` answers. */
  greet(text: string): Promise<void>;
  remove(): Promise<void>;
}

/** Copies the Express app (`test/fixtures/express-app`) to a temporary folder. */
export async function expressApp(): Promise<AppFolder> {
  const path = await mkdtemp(join(tmpdir(), 'slipway-express-'));
  await cp(EXPRESS_APP, path, { recursive: true });
  const write = (name: string, content: string): Promise<void> => writeFile(join(path, name), content);
  return {
    path,
    write,
    greet: (text) => write('greeting.js', `export const greeting = ${JSON.stringify(text)};\n`),
    remove: () => rm(path, { recursive: true, force: true }),
  };
}
