import { statSync } from 'node:fs';
import { join } from 'node:path';
import { afterAll, beforeEach, describe, expect, it } from 'vitest';
import { DEV, engines, missing, removeApps, RESTORED, TestApp } from './support/nodejs-app.ts';

let app: TestApp;

beforeEach(() => {
  app = new TestApp();
});
afterAll(removeApps);

/** Runs the program of `workspaceFiles`. */
const START = 'node shop/start.js';

/** A workspace of two packages, of which the first uses the second. */
function workspaceFiles(shop: object, tools: object): Record<string, string> {
  return {
    'shop/package.json': JSON.stringify(shop),
    'shop/start.js': "console.log(require('is-number')(1), require('tools'));\n",
    'libraries/tools/package.json': JSON.stringify(tools),
    'libraries/tools/index.js': "module.exports = require('isarray')([]);\n",
  };
}

describe.skipIf(missing !== null)('the Node.js buildpack with a workspace of pnpm', () => {
  const shop = {
    name: 'shop',
    version: '1.0.0',
    dependencies: { 'is-number': '7.0.0', tools: 'workspace:*' },
  };
  const tools = { name: 'tools', version: '1.0.0', main: 'index.js', dependencies: DEV };

  beforeEach(() => {
    app.files = {
      'pnpm-workspace.yaml': 'packages:\n  - shop\n  - libraries/*\n',
      ...workspaceFiles(shop, tools),
    };
  });

  it.each([
    ['moved out of the last build', {}],
    [
      'copied from before scripts ran',
      { build: 'node -e "fs.rmSync(\'shop/node_modules\', {recursive: true})"' },
    ],
  ])('has what is installed %s while nothing that decides it changes', async (_, scripts) => {
    const manifest = { name: 'app', engines, packageManager: 'pnpm@10.34.9', private: true, scripts };
    await app.compile(manifest);
    app.files['pnpm-lock.yaml'] = app.read('pnpm-lock.yaml');
    const first = await app.compile(manifest);
    expect(first.output).toContain('pnpm install --frozen-lockfile');
    const noted = (): bigint =>
      statSync(join(app.build, 'node_modules/.modules.yaml'), { bigint: true }).mtimeNs;
    const before = noted();
    app.files['libraries/tools/index.js'] = "module.exports = require('isarray')([]) ? 'changed' : '';\n";
    for (let round = 0; round < 2; round += 1) {
      const { code, output } = await app.compile(manifest);
      expect(code, output).toBe(0);
      expect(output).toContain(RESTORED);
      expect(output).not.toContain('pnpm install');
      expect(noted()).toBe(before);
      expect(app.has('libraries/tools/node_modules/isarray/package.json')).toBe(true);
      if (!('build' in scripts)) expect(app.run(START)).toBe('true changed');
    }
  });

  it('is installed anew when a package of it changes, and in each build when it runs scripts', async () => {
    const manifest = { name: 'app', engines, packageManager: 'pnpm@10.34.9', private: true };
    await app.compile(manifest);
    app.files['pnpm-lock.yaml'] = app.read('pnpm-lock.yaml');
    await app.compile(manifest);
    const outdated = { ...tools, dependencies: { isarray: '2.0.4' } };
    app.files['libraries/tools/package.json'] = JSON.stringify(outdated);
    const refused = await app.compile(manifest);
    expect(refused.output).toMatch(/ERR_PNPM_OUTDATED_LOCKFILE/);
    expect(refused.code).toBe(1);
    const postinstall = "node -e \"fs.writeFileSync('ran', '')\"";
    app.files['libraries/tools/package.json'] = JSON.stringify({ ...tools, scripts: { postinstall } });
    for (let round = 0; round < 2; round += 1) {
      const { code, output } = await app.compile(manifest);
      expect(output).not.toContain(RESTORED);
      expect(code, output).toBe(0);
      expect(app.has('libraries/tools/ran')).toBe(true);
    }
    expect(app.run(START)).toBe('true true');
  });
});

describe.skipIf(missing !== null).each([
  { manager: 'npm', lock: 'package-lock.json', installs: 'npm ci', asked: {} },
  {
    manager: 'Yarn 1',
    lock: 'yarn.lock',
    installs: 'yarn install',
    asked: { packageManager: 'yarn@1.22.22' },
  },
])('the Node.js buildpack with a workspace of $manager', ({ lock, installs, asked }) => {
  const workspaces = ['shop', './libraries/*'];
  const manifest = {
    ...{ name: 'app', version: '1.0.0', engines, private: true, workspaces, ...asked },
    dependencies: { isarray: '2.0.4' },
  };
  const shop = { name: 'shop', version: '1.0.0', dependencies: { 'is-number': '~7.0.0', tools: '1.0.0' } };
  const tools = { name: 'tools', version: '1.0.0', main: 'index.js', dependencies: DEV };

  beforeEach(() => {
    app.files = workspaceFiles(shop, tools);
  });

  it.each([
    ['moved out of the last build', {}],
    [
      'copied from before scripts ran',
      { build: 'node -e "fs.rmSync(\'libraries/tools/node_modules\', {recursive: true})"' },
    ],
  ])('has what is installed %s while nothing that decides it changes', async (_, scripts) => {
    await app.compile({ ...manifest, scripts });
    app.files[lock] = app.read(lock);
    expect((await app.compile({ ...manifest, scripts })).output).toContain(installs);
    app.files['libraries/tools/index.js'] = "module.exports = require('isarray')([]) ? 'changed' : '';\n";
    for (let round = 0; round < 2; round += 1) {
      const { code, output } = await app.compile({ ...manifest, scripts });
      expect(code, output).toBe(0);
      expect(output).toContain(RESTORED);
      expect(output.slice(0, output.indexOf('Pruning'))).not.toContain(installs);
      const inner = app.has('libraries/tools/node_modules/isarray/package.json');
      // Pruning installs it again.
      if (!('build' in scripts)) expect(inner).toBe(true);
      expect(app.run(START)).toBe('true changed');
    }
  });

  it('is installed anew when packages of it change, or do what the lock file does not decide', async () => {
    await app.compile(manifest);
    app.files[lock] = app.read(lock);
    await app.compile(manifest);
    const postinstall = "node -e \"fs.writeFileSync('ran', '')\"";
    const own = 'libraries/tools/package.json';
    const changed = JSON.stringify({ ...tools, dependencies: { isarray: '2.0.4' } });
    const files = { ...app.files };
    app.files = { ...files, [own]: changed };
    expect((await app.compile(manifest)).output).not.toContain(RESTORED);
    const states: Record<string, string>[] = [
      { [own]: JSON.stringify({ ...tools, bin: 'index.js' }) },
      { [own]: JSON.stringify({ ...tools, scripts: { postinstall } }) },
      { '.npmrc': 'install-links=true\n' },
      { '.yarnrc': '# modules-folder\n' },
    ];
    for (const state of states) {
      app.files = { ...files, ...state };
      await app.compile(manifest);
      const { code, output } = await app.compile(manifest);
      expect(code, output).toBe(0);
      expect(output, JSON.stringify(state)).not.toContain(RESTORED);
      expect(app.has('libraries/tools/ran')).toBe(state[own]?.includes('postinstall') === true);
    }
    app.files = files;
    await app.compile(manifest);
    app.files = {
      ...files,
      'libraries/more/package.json': JSON.stringify({ name: 'more', version: '1.0.0' }),
    };
    expect((await app.compile(manifest)).output).not.toContain(RESTORED);
  });
});
