import { execFile, spawn } from 'node:child_process';
import { once } from 'node:events';
import { cp, mkdir, mkdtemp, readdir, readFile, rm, stat, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { promisify } from 'node:util';
import { FuseState, FuseV1Options, getCurrentFuseWire } from '@electron/fuses';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { connectEngine } from '../../electron/cli/engine-link.ts';
import { build, TARGETS, type TargetName } from '../../electron/build-targets.ts';
import { type Asar, loadAsar, makePlaceholder } from './placeholder.ts';

const ROOT = join(import.meta.dirname, '..', '..');
const FAKE_ELECTRON = join(ROOT, 'test', 'support', 'register-fake-electron.ts');
/** Most that the app may weigh without Electron, in bytes. */
const MOST = 15 * 1024 * 1024;
const linux = process.platform === 'linux';
if (!linux)
  console.log(
    'Not on Linux: the placeholder for Electron is one for Linux, so the packaging test is skipped.',
  );

/** The real packager on a placeholder for Electron: shows what is in the package, not that Electron runs it. */
describe.runIf(linux)('the package', () => {
  let work = '';
  let resources = '';
  let archive = '';
  let files: string[] = [];
  let asar: Asar;

  beforeAll(async () => {
    work = await mkdtemp(join(tmpdir(), 'slipway-package-'));
    asar = loadAsar();
    for (const name of Object.keys(TARGETS) as TargetName[]) build(name);
    await makePlaceholder(join(work, 'electron'), asar);
    await promisify(execFile)(
      process.execPath,
      [
        join(ROOT, 'node_modules', 'electron-builder', 'cli.js'),
        ...['--linux', 'dir', '--publish', 'never'],
        `-c.electronDist=${join(work, 'electron')}`,
        `-c.directories.output=${join(work, 'out')}`,
      ],
      { cwd: ROOT },
    );
    const [folder = ''] = (await readdir(join(work, 'out'))).filter((name) => name.endsWith('-unpacked'));
    resources = join(work, 'out', folder, 'resources');
    archive = join(resources, 'app.asar');
    files = asar.listPackage(archive, { isPack: false });
  });

  afterAll(async () => {
    await rm(work, { recursive: true, force: true });
  });

  it('holds main process, preload script, UI, headless host and the router’s thread, and nothing else', () => {
    for (const file of [
      '/package.json',
      '/LICENSE',
      '/dist/main/main.js',
      '/dist/main/tray.png',
      '/dist/preload/preload.cjs',
      '/dist/renderer/index.html',
      '/dist/headless/headless.js',
      '/dist/router/worker.cjs',
    ])
      expect(files).toContain(file);
    const others = files.filter(
      (file) =>
        !/^\/(package\.json|LICENSE|dist(\/(main|preload|renderer|headless|router)(\/.*)?)?)$/.test(file),
    );
    expect(others).toEqual([]);
    expect(files.filter((file) => /node_modules|\.map$|\.node$|\.tsx?$/.test(file))).toEqual([]);
  });

  it('names its main file, and no script or tool of the repository', async () => {
    asar.extractAll(archive, join(work, 'extracted'));
    const text = await readFile(join(work, 'extracted', 'package.json'), 'utf8');
    expect(JSON.parse(text)).toMatchObject({ name: 'slipway', main: 'dist/main/main.js', type: 'module' });
    expect(JSON.parse(text)).not.toHaveProperty('devDependencies');
    expect(JSON.parse(text)).not.toHaveProperty('scripts');
  });

  it('needs no package but Electron', async () => {
    for (const [file, allowed] of [
      ['main/main.js', /^(electron|node:.+|#.*)$/],
      ['headless/headless.js', /^node:.+$/],
      ['preload/preload.cjs', /^electron$/],
    ] as const) {
      const code = await readFile(join(ROOT, 'dist', file), 'utf8');
      const imported = [...code.matchAll(/^import\b[^'"]*?['"]([^'"]+)['"]/gm)].map(
        (match) => match[1] ?? '',
      );
      const required = file.endsWith('.cjs')
        ? [...code.matchAll(/\brequire\(['"]([^'"]+)['"]\)/g)].map((match) => match[1] ?? '')
        : [];
      expect([...imported, ...required]).not.toEqual([]);
      expect([...imported, ...required].filter((name) => !allowed.test(name))).toEqual([]);
    }
  });

  it('has the buildpacks beside the archive, as files that can be run', async () => {
    const samples: unknown = JSON.parse(
      await readFile(join(resources, 'buildpacks', 'samples', 'samples.json'), 'utf8'),
    );
    expect(samples).not.toEqual([]);
    for (const name of await readdir(join(ROOT, 'buildpacks'))) {
      if (name === 'samples') continue;
      if (name === 'common') {
        const shared = await readdir(join(resources, 'buildpacks', name));
        expect(shared).toEqual(await readdir(join(ROOT, 'buildpacks', name)));
        continue;
      }
      for (const program of ['detect', 'compile', 'release']) {
        const { mode } = await stat(join(resources, 'buildpacks', name, 'bin', program));
        expect(mode & 0o111).toBe(0o111);
      }
    }
  });

  it('weighs little and carries one language', async () => {
    const { size } = await stat(archive);
    let bytes = size;
    for (const folder of ['buildpacks', 'node_modules'])
      for (const file of await readdir(join(resources, folder), { recursive: true }))
        bytes += (await stat(join(resources, folder, file))).size;
    console.log(`The package weighs ${(bytes / 2 ** 20).toFixed(1)} MiB without Electron.`);
    expect(bytes).toBeLessThan(MOST);
    expect(await readdir(join(resources, '..', 'locales'))).toEqual(['en-US.pak']);
  });

  it('has its fuses set', async () => {
    const wire = await getCurrentFuseWire(join(resources, '..', 'slipway'));
    const on = (fuse: FuseV1Options): boolean => wire[fuse] === FuseState.ENABLE;
    expect(on(FuseV1Options.RunAsNode)).toBe(false);
    expect(on(FuseV1Options.EnableNodeOptionsEnvironmentVariable)).toBe(false);
    expect(on(FuseV1Options.EnableNodeCliInspectArguments)).toBe(false);
    expect(on(FuseV1Options.GrantFileProtocolExtraPrivileges)).toBe(false);
    expect(on(FuseV1Options.EnableCookieEncryption)).toBe(true);
    expect(on(FuseV1Options.EnableEmbeddedAsarIntegrityValidation)).toBe(true);
    expect(on(FuseV1Options.OnlyLoadAppFromAsar)).toBe(true);
  });

  it.each([
    ['main/main.js', ''],
    ['main/main.js', '--headless'],
    ['headless/headless.js', ''],
  ])('runs from where it is installed, and its router calls the system itself: %s %s', async (file, word) => {
    const place = await mkdtemp(join(work, 'installed-'));
    asar.extractAll(archive, join(place, 'app.asar'));
    for (const folder of ['buildpacks', 'node_modules'])
      await cp(join(resources, folder), join(place, folder), { recursive: true });
    const env = {
      SLIPWAY_HOME: join(place, 'home'),
      SLIPWAY_API_PORT: '0',
      SLIPWAY_ROUTER_PORT: '0',
      SLIPWAY_RUNTIME: 'process',
    };
    const args = ['--import', FAKE_ELECTRON, join(place, 'app.asar', 'dist', file), word];
    const child = spawn(process.execPath, args, {
      cwd: place,
      env: { PATH: process.env['PATH'], HOME: place, ...env },
    });
    let output = '';
    for (const stream of [child.stdout, child.stderr])
      stream.on('data', (chunk: Buffer) => (output += chunk.toString()));
    await expect
      .poll(() => output, { timeout: 30_000 })
      .toContain(file === 'main/main.js' && word === '' ? 'Slipway ready api=' : 'Slipway ready ui=');
    await expectDetection(place, env);
    const mapped = await readFile(`/proc/${child.pid}/maps`, 'utf8');
    expect(mapped).toContain(join(place, 'node_modules', '@koromix'));
    const ended = once(child, 'exit');
    child.kill('SIGTERM');
    expect(await ended, output).toEqual([0, null]);
  });
});

/** Deploys a project until a buildpack has taken it; that needs no network. */
async function expectDetection(place: string, env: Readonly<Record<string, string>>): Promise<void> {
  const { client } = await connectEngine(env);
  const project = join(place, 'project');
  await mkdir(project);
  await writeFile(join(project, 'package.json'), '{"name":"shop","scripts":{"start":"node ."}}');
  await client.call('apps.create', { name: 'shop' });
  const { id } = await client.call('builds.start', {
    app: 'shop',
    source: { kind: 'folder', path: project },
  });
  const detected = async (): Promise<string | undefined> => {
    const { phases } = await client.call('builds.get', { app: 'shop', build: id });
    return phases.find(({ name }) => name === 'detect')?.state;
  };
  await expect.poll(detected, { timeout: 30_000 }).toBe('done');
  await client.call('builds.cancel', { app: 'shop', build: id }).catch(() => undefined);
  client.close();
}
