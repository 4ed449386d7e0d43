import { spawn, spawnSync } from 'node:child_process';
import { once } from 'node:events';
import {
  cpSync,
  existsSync,
  mkdirSync,
  mkdtempSync,
  readFileSync,
  renameSync,
  rmSync,
  writeFileSync,
} from 'node:fs';
import { tmpdir } from 'node:os';
import { dirname, join } from 'node:path';
import registryUrl from 'registry-url';
import { expect } from 'vitest';

/** The buildpack's scripts. */
export const BIN = join(import.meta.dirname, '..', '..', '..', 'buildpacks', 'nodejs', 'bin');
/** Small packages without dependencies, one for the app and one for its build. */
export const USED = { 'is-number': '7.0.0' };
export const DEV = { isarray: '2.0.5' };
/** Node.js that most apps ask for. */
export const engines = { node: '24.x' };
/** What the build log says of packages that are not installed anew. */
export const RESTORED = 'node_modules is taken from the last build: its lock file is the same';

/** Why builds of Node.js apps cannot be tested, or null. */
export const missing = await whatIsMissing();
if (missing !== null) console.log(`Skipped: builds of Node.js apps, because ${missing}.`);

/** Folder of all apps of a test file. */
const work = mkdtempSync(join(tmpdir(), 'slipway-nodejs-'));

/** Where the Node.js is that builds run on, and what they download. */
export const DOWNLOADS = join(work, 'downloads');

/** Removes all apps: to be called at the end of a test file. */
export function removeApps(): void {
  rmSync(work, { recursive: true, force: true });
}

/** One app over several builds, as the platform gives it to the buildpack. */
export class TestApp {
  readonly root = mkdtempSync(join(work, 'app-'));
  readonly build = join(this.root, 'build');
  readonly last = join(this.root, 'last');
  files: Record<string, string> = {};
  config: Record<string, string> = {};
  downloads = DOWNLOADS;

  /** Compiles the files; the build before is the last one. */
  async compile(manifest: object): Promise<{ code: number | null; output: string }> {
    const started = performance.now();
    rmSync(this.last, { recursive: true, force: true });
    if (existsSync(this.build)) renameSync(this.build, this.last);
    rmSync(join(this.root, 'env'), { recursive: true, force: true });
    this.write(this.build, { ...this.files, 'package.json': JSON.stringify(manifest) });
    this.write(join(this.root, 'env'), this.config);
    const args = ['build', 'cache', 'env'].map((name) => join(this.root, name));
    const child = spawn(join(BIN, 'compile'), args, { cwd: this.build, env: this.env() });
    let output = '';
    for (const stream of [child.stdout, child.stderr])
      stream.on('data', (chunk: Buffer) => (output += chunk.toString()));
    await once(child, 'close');
    const seconds = ((performance.now() - started) / 1000).toFixed(1);
    console.log(`${expect.getState().currentTestName ?? ''}: ${seconds} s`);
    return { code: child.exitCode, output };
  }

  has(name: string): boolean {
    return existsSync(join(this.build, name));
  }

  read(name: string): string {
    return readFileSync(join(this.build, name), 'utf8');
  }

  /** Runs a line of bash with the app's tools, in a folder that is not the build's: so it is at run time. */
  run(line: string): string {
    const home = join(this.root, 'home');
    rmSync(home, { recursive: true, force: true });
    cpSync(this.build, home, { recursive: true, verbatimSymlinks: true });
    const script = `for file in .profile.d/*.sh; do . "$file"; done; ${line}`;
    const { stdout, stderr } = spawnSync('bash', ['-c', script], {
      ...{ cwd: home, encoding: 'utf8' },
      env: { PATH: '/usr/bin:/bin', HOME: home },
    });
    return `${stdout}${stderr}`.trim();
  }

  private env(): Record<string, string> {
    const kept = Object.entries(process.env).filter(([name]) =>
      /proxy$|^(NODE_EXTRA|SSL_|CURL_)/i.test(name),
    );
    const own = { HOME: join(this.root, 'home-of-build'), npm_config_registry: registryUrl() };
    return {
      ...Object.fromEntries(kept.map(([name, value]) => [name, value ?? ''])),
      ...{ PATH: '/usr/local/bin:/usr/bin:/bin', STACK: 'slipway-13', ...own },
      ...{ SLIPWAY_DOWNLOADS: this.downloads, SLIPWAY_LAST_BUILD: this.last },
    };
  }

  private write(folder: string, files: Readonly<Record<string, string>>): void {
    mkdirSync(folder, { recursive: true });
    for (const [name, text] of Object.entries(files)) {
      mkdirSync(dirname(join(folder, name)), { recursive: true });
      writeFileSync(join(folder, name), text);
    }
  }
}

/** Why packages cannot be had, or null. */
async function whatIsMissing(): Promise<string | null> {
  for (const name of [...Object.keys({ ...USED, ...DEV }), 'npm', 'yarn', 'pnpm', '@yarnpkg/cli-dist']) {
    const answer = await fetch(new URL(name.replace('/', '%2f'), registryUrl()), { method: 'HEAD' }).catch(
      (error: unknown) => error,
    );
    if (!(answer instanceof Response)) return `the package registry does not answer (${String(answer)})`;
    if (!answer.ok) return `the package registry has no ${name} (${answer.status})`;
  }
  return null;
}
