import { spawnSync } from 'node:child_process';
import { once } from 'node:events';
import { existsSync, renameSync, statSync } from 'node:fs';
import { createServer } from 'node:http';
import { join } from 'node:path';
import { afterAll, beforeEach, describe, expect, it } from 'vitest';
import {
  BIN,
  DEV,
  DOWNLOADS,
  engines,
  missing,
  removeApps,
  RESTORED,
  TestApp,
  USED,
} from './support/nodejs-app.ts';

let app: TestApp;

beforeEach(() => {
  app = new TestApp();
});
afterAll(removeApps);

const LOADS = 'node -e "console.log(require(\'is-number\')(1))"';

describe.skipIf(missing !== null)('the Node.js buildpack with npm', () => {
  it('installs without a lock file, then by one, and takes it all from the last build', async () => {
    const manifest = { name: 'app', engines, dependencies: USED, devDependencies: DEV };
    const first = await app.compile(manifest);
    expect(first.output).toContain('npm install --omit=dev');
    expect(first.output).toContain('-----> Build succeeded!');
    expect(first.code).toBe(0);
    app.files['package-lock.json'] = app.read('package-lock.json');
    const second = await app.compile(manifest);
    expect(second.output).toContain('npm ci --omit=dev');
    expect([app.has('node_modules/is-number'), app.has('node_modules/isarray')]).toEqual([true, false]);
    expect(app.run(LOADS)).toBe('true');
    const third = await app.compile(manifest);
    expect(third.output).toContain(RESTORED);
    expect(app.run(LOADS)).toBe('true');
  });

  it('takes a build of the same again without Node.js, until anything of it changes', async () => {
    const manifest = { name: 'app', engines, dependencies: USED, devDependencies: DEV };
    const release = '.profile.d/.node-release.yml';
    await app.compile(manifest);
    const withNode = await app.compile({ ...manifest, description: 'changes nothing' });
    expect(withNode.output).toContain(RESTORED);
    await app.compile(manifest);
    app.downloads = join(app.root, 'no-downloads');
    expect(await app.compile(manifest)).toEqual(withNode);
    expect([app.run(LOADS), app.read(release), existsSync(app.downloads)]).toEqual([
      'true',
      '--- {}\n',
      false,
    ]);

    app.downloads = DOWNLOADS;
    app.files['server.js'] = '';
    await app.compile(manifest);
    expect(app.read(release)).toContain('web: npm start');
    app.config = { NPM_CONFIG_PRODUCTION: 'false' };
    await app.compile(manifest);
    expect(app.has('node_modules/isarray')).toBe(true);
    app.config = {};
    await app.compile(manifest);
    expect((await app.compile({ ...manifest, engines: { node: '0.9' } })).output).toContain(
      'There is no Node.js 0.9',
    );
    expect((await app.compile(manifest)).code).toBe(0);
    expect([app.run(LOADS), app.read(release)]).toEqual(['true', expect.stringContaining('web: npm start')]);
  });

  it('keeps what Node.js compiled of a tool for the next build, wherever that is, and not in the slug', async () => {
    const manifest = { name: 'app', engines, scripts: { build: 'sh build.sh' } };
    const files = {
      'tool.js': 'console.log("the tool runs");',
      'build.sh':
        'NODE_DEBUG_NATIVE=COMPILE_CACHE node tool.js 2>&1 | grep -oE "^.compile cache. reading.*tool.js.*success|the tool runs"',
    };
    app.files = files;
    const first = await app.compile(manifest);
    expect(first.output).toContain('the tool runs');
    expect(first.output).not.toContain('success');
    expect(app.has('.heroku/compiled')).toBe(false);
    const next = new TestApp();
    next.files = files;
    renameSync(join(app.root, 'cache'), join(next.root, 'cache'));
    expect((await next.compile(manifest)).output).toMatch(/reading.*tool\.js.*success/);
    expect(next.has('.heroku/compiled')).toBe(false);
    next.config = { NODE_DISABLE_COMPILE_CACHE: '1' };
    expect((await next.compile(manifest)).output).not.toContain('success');
  });

  it('installs nothing a second time where there is nothing to install', async () => {
    const manifest = { name: 'app', engines, scripts: { start: 'node .' } };
    await app.compile(manifest);
    expect((await app.compile(manifest)).output).toContain(RESTORED);
  });

  it('builds with devDependencies, prunes them, and leaves files of an unchanged app as they were', async () => {
    const scripts = {
      build: "node -e \"require('isarray');console.log('built with', process.env.NODE_ENV)\"",
    };
    const manifest = { name: 'app', engines, scripts, dependencies: USED, devDependencies: DEV };
    await app.compile(manifest);
    app.files['package-lock.json'] = app.read('package-lock.json');
    const built = await app.compile(manifest);
    expect(built.output).toContain('built with production');
    expect(built.output).toContain('-----> Pruning devDependencies');
    expect([app.has('node_modules/is-number'), app.has('node_modules/isarray')]).toEqual([true, false]);
    const noted = (): bigint =>
      statSync(join(app.build, 'node_modules/.package-lock.json'), { bigint: true }).mtimeNs;
    const before = noted();
    const again = /Restoring cache[^]*Pruning devDependencies\n +node_modules is taken from the last build/;
    expect((await app.compile(manifest)).output).toMatch(again);
    expect(noted()).toBe(before);
    app.config = { NPM_CONFIG_PRODUCTION: 'false' };
    const kept = await app.compile(manifest);
    expect(kept.output).toContain("Skipping because NPM_CONFIG_PRODUCTION is 'false'");
    expect(app.has('node_modules/isarray')).toBe(true);
    app.config = { NPM_CONFIG_PRODUCTION: 'true' };
    expect((await app.compile(manifest)).output).toMatch(/npm ci --omit=dev[^]*Cannot find module 'isarray'/);
    app.config = { NODE_ENV: 'staging' };
    expect((await app.compile(manifest)).output).toContain("NODE_ENV is 'staging', not 'production'");
  });

  it('has what was installed for each build after one whose script failed', async () => {
    const scripts = { build: 'node -e "require(\'isarray\')"' };
    const manifest = { name: 'app', engines, scripts, dependencies: USED, devDependencies: DEV };
    await app.compile(manifest);
    app.files['package-lock.json'] = app.read('package-lock.json');
    await app.compile(manifest);
    for (const build of [scripts.build, 'exit 3', scripts.build, scripts.build]) {
      const { code, output } = await app.compile({ ...manifest, scripts: { build } });
      expect(output).toContain('Restoring cache');
      expect(code).toBe(build === 'exit 3' ? 1 : 0);
    }
    expect([app.has('node_modules/is-number'), app.has('node_modules/isarray')]).toEqual([true, false]);
  });

  it('prunes again where the build has changed node_modules', async () => {
    const scripts = { build: 'node -e "fs.writeFileSync(\'node_modules/.made\', String(Date.now()))"' };
    const manifest = { name: 'app', engines, scripts, dependencies: USED, devDependencies: DEV };
    await app.compile(manifest);
    const before = app.read('node_modules/.made');
    const { output } = await app.compile(manifest);
    expect(output).not.toMatch(/Pruning devDependencies\n +node_modules is taken/);
    expect(app.read('node_modules/.made')).not.toBe(before);
    expect(app.has('node_modules/isarray')).toBe(false);
  });

  it('runs heroku-postbuild in the place of build, and scripts of the installation once in each build', async () => {
    const note = (name: string) => `node -e "fs.appendFileSync('node_modules/.ran', '${name} ')"`;
    const scripts = {
      install: note('install'),
      postinstall: note('postinstall'),
      prepare: note('prepare'),
      'heroku-postbuild': note('heroku-postbuild'),
      build: note('build'),
    };
    const manifest = { name: 'app', engines, scripts, dependencies: USED };
    await app.compile(manifest);
    app.files['package-lock.json'] = app.read('package-lock.json');
    const expected = 'install postinstall prepare heroku-postbuild ';
    for (const how of ['Installing dependencies', 'Restoring cache']) {
      expect((await app.compile(manifest)).output).toContain(how);
      expect(app.read('node_modules/.ran')).toBe(expected);
    }
  });

  it('takes a Node.js of the range that engines names, and says which there are when there is none', async () => {
    const found = await app.compile({ name: 'app', engines: { node: '>=20.11 <21' } });
    expect(found.code).toBe(0);
    expect(app.run('node --version')).toMatch(/^v20\.\d+\.\d+$/);
    const later = spawnSync('bash', ['-c', `. '${join(BIN, '..', 'export')}'; node --version`], {
      ...{ cwd: app.build, encoding: 'utf8' },
      env: { PATH: '/usr/bin:/bin' },
    });
    expect(later.stdout).toMatch(/^v20\./);
    const none = await app.compile({ name: 'app', engines: { node: '1999.x' } });
    expect(none.code).toBe(1);
    expect(none.output).toMatch(/^ ! {5}There is no Node\.js 1999\.x\. The registry has .* 24/m);
  });

  it('says which script failed', async () => {
    const scripts = { build: 'echo no such luck; exit 3' };
    const { code, output } = await app.compile({ name: 'app', engines, scripts });
    expect(code).toBe(1);
    expect(output).toMatch(/^ {7}no such luck$/m);
    expect(output).toMatch(/^-----> Build failed\n ! {5}`npm run --silent build` failed \(exit code 3\)\.$/m);
    expect(output).toMatch(/^ ! {5}The script "build" of package\.json failed/m);
  });
});

describe.skipIf(missing !== null)('the Node.js buildpack with other package managers', () => {
  const scripts = { build: 'node -e "require(\'isarray\')"', start: LOADS };
  const manifest = { name: 'app', engines, scripts, dependencies: USED, devDependencies: DEV };

  it('uses Yarn 1', async () => {
    await app.compile({ ...manifest, packageManager: 'yarn@1.22.22' });
    app.files['yarn.lock'] = app.read('yarn.lock');
    const { code, output } = await app.compile(manifest);
    expect(output).toContain('yarn install --frozen-lockfile');
    expect(output).toMatch(/yarn 1\.22\.\d+/);
    expect(code).toBe(0);
    expect([app.has('node_modules/is-number'), app.has('node_modules/isarray')]).toEqual([true, false]);
    expect(app.run(LOADS)).toBe('true');
    app.config = { YARN_PRODUCTION: 'false' };
    expect((await app.compile(manifest)).output).toContain("Skipping because YARN_PRODUCTION is 'false'");
  });

  it('uses a Yarn that fits the lock file, with packages in archives or in node_modules', async () => {
    await app.compile({ ...manifest, packageManager: 'yarn@3.8.7' });
    app.files['yarn.lock'] = app.read('yarn.lock');
    const old = await app.compile(manifest);
    expect(old.output).toMatch(/yarn 3\.\d+\.\d+/);
    expect(old.code).toBe(0);
    delete app.files['yarn.lock'];
    await app.compile({ ...manifest, packageManager: 'yarn@4.9.2' });
    app.files['yarn.lock'] = app.read('yarn.lock');
    const { code, output } = await app.compile(manifest);
    expect(output).toMatch(/yarn 4\.\d+\.\d+[^]*yarn install --immutable[^]*Pruning devDependencies/);
    expect(code).toBe(0);
    expect([app.has('.pnp.cjs'), app.has('node_modules/is-number')]).toEqual([true, false]);
    expect(app.run('yarn start')).toBe('true');
    app.files['.yarnrc.yml'] = 'nodeLinker: node-modules\n';
    expect((await app.compile(manifest)).code).toBe(0);
    expect([app.has('node_modules/is-number'), app.has('node_modules/isarray')]).toEqual([true, false]);
    expect(app.run(LOADS)).toBe('true');
  });

  it.each([
    ['8.15.9', '8'],
    ['10.34.9', '10'],
  ])('uses a pnpm that fits the lock file of pnpm %s', async (version, major) => {
    await app.compile({ ...manifest, packageManager: `pnpm@${version}` });
    app.files['pnpm-lock.yaml'] = app.read('pnpm-lock.yaml');
    const { code, output } = await app.compile(manifest);
    expect(output).toMatch(new RegExp(`pnpm ${major}\\.\\d+\\.\\d+[^]*pnpm install --frozen-lockfile`));
    expect(code).toBe(0);
    expect([app.has('node_modules/is-number'), app.has('node_modules/isarray')]).toEqual([true, false]);
    expect(app.run(LOADS)).toBe('true');
  });
});

describe('downloads of the Node.js buildpack', () => {
  it('are tried three times, unless the answer would stay the same', async () => {
    const asked: string[] = [];
    const server = createServer((request, response) => {
      asked.push(request.url ?? '');
      if (request.url === '/silent') return;
      const later = asked.filter((url) => url === request.url).length === 3;
      response.writeHead(request.url === '/missing' ? 404 : later ? 200 : 503).end('bytes');
    }).listen(0, '127.0.0.1');
    await once(server, 'listening');
    const address = server.address();
    const base = `http://127.0.0.1:${typeof address === 'object' ? (address?.port ?? 0) : 0}`;
    const lib = join(BIN, '..', 'lib', 'fetch.mjs');
    const { fetchBytes } = (await import(lib)) as {
      fetchBytes: (url: string, options: { timeout: number; pause: number }) => Promise<Buffer>;
    };
    const get = (path: string): Promise<Buffer> => fetchBytes(base + path, { timeout: 300, pause: 1 });
    expect((await get('/flaky')).toString()).toBe('bytes');
    await expect(get('/missing')).rejects.toThrow('the registry answered 404');
    await expect(get('/silent')).rejects.toThrow('no complete answer within 0.3 s (tried 3 times)');
    server.closeAllConnections();
    server.close();
    expect(asked.filter((url) => url === '/missing')).toHaveLength(1);
    expect(asked.filter((url) => url === '/silent')).toHaveLength(3);
  });
});
