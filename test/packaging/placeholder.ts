import { chmod, mkdir, writeFile } from 'node:fs/promises';
import { createRequire } from 'node:module';
import { join } from 'node:path';

/** What fuses look like in Electron's program before anything is set: a marker, version and count, then each fuse. */
const FUSES = `dL7pKGdnNz796PbbjQWNKmHXBZaB9tsX\u0001\u0009${'0'.repeat(9)}`;

/** Archives as the packager writes them. */
export interface Asar {
  listPackage(archive: string, options: { isPack: boolean }): string[];
  extractAll(archive: string, folder: string): void;
  statFile(archive: string, file: string): { size?: number };
  createPackage(source: string, archive: string): Promise<void>;
}

/** The packager's own archive module. */
export function loadAsar(): Asar {
  const packager = createRequire(createRequire(import.meta.url).resolve('electron-builder/package.json'));
  const library = createRequire(packager.resolve('app-builder-lib/package.json'));
  return library('@electron/asar') as Asar;
}

/** Makes a folder that the packager takes for Electron on Linux. Its program says that it is none. */
export async function makePlaceholder(folder: string, asar: Asar): Promise<void> {
  const files = {
    electron: `#!/bin/sh\necho "This is not Electron." >&2\nexit 1\n${FUSES}\n`,
    version: '45.4.1',
    LICENSE: '',
    'LICENSES.chromium.html': '',
    'chrome-sandbox': '',
    chrome_crashpad_handler: '',
    'locales/en-US.pak': '',
    'locales/de.pak': '',
  };
  await mkdir(join(folder, 'locales'), { recursive: true });
  await mkdir(join(folder, 'resources'), { recursive: true });
  await mkdir(join(folder, '..', 'default-app'), { recursive: true });
  for (const [name, text] of Object.entries(files)) await writeFile(join(folder, name), text, 'latin1');
  for (const name of ['electron', 'chrome-sandbox', 'chrome_crashpad_handler']) {
    await chmod(join(folder, name), 0o755);
  }
  await writeFile(join(folder, '..', 'default-app', 'main.js'), '');
  await asar.createPackage(join(folder, '..', 'default-app'), join(folder, 'resources', 'default_app.asar'));
}
