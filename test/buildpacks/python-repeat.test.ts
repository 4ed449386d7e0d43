import { join } from 'node:path';
import { dockerTests } from '#engine/runtime/docker/testing.ts';
import type { Runtime } from '#engine/runtime/runtime.ts';
import { expect, test } from 'vitest';
import { freshId, never, script, sourceTar, STACK } from '../runtime-contract/world.ts';

const PACKS = join(import.meta.dirname, '..', '..', 'buildpacks');
const RESTORED = 'all packages are taken from the last build';
/** A small package without dependencies. */
const BOTTLE = { '.python-version': '3.13\n', 'requirements.txt': 'bottle==0.13.4\n' };
/** Where no whole build gets on: it cannot make its folder for downloads. */
const NO_DOWNLOADS = { SLIPWAY_DOWNLOADS: '/proc/none' };

/** Compiles files as the app's next build. @returns the exit code, the build log and the version of Bottle in the slug */
async function compile(
  runtime: Runtime,
  appId: string,
  files: Readonly<Record<string, string>>,
  env: Readonly<Record<string, string>> = {},
): Promise<{ code: number; output: string; bottle: string }> {
  const pack = { name: 'python', folder: join(PACKS, 'python'), common: join(PACKS, 'common') };
  const spec = { buildId: freshId('build'), appId, stack: STACK, buildpacks: [pack], clearCache: false };
  const box = await runtime.openBuild(spec, never);
  try {
    await box.putSource(sourceTar(Object.entries(files).map(([name, content]) => ({ name, content }))));
    const line = `'${box.buildpackDir('python')}/bin/compile' "$PWD" '${box.cacheDir}' '${box.envDir}' 2>&1`;
    const { code, output } = await script(box, line, { ...box.env, ...env });
    const use = `HOME=$PWD; for file in .profile.d/*.sh; do . "$file"; done; python -c 'import bottle; print(bottle.__version__)'`;
    const { output: bottle } = await script(box, `${use} 2>&1`, { ...box.env });
    return { code, output, bottle: bottle.trim() };
  } finally {
    await box.close();
  }
}

await dockerTests('builds of Python apps that only take the last one again', ({ open }) => {
  test('say and leave what a whole build does, until anything that decides changes', async () => {
    const { runtime } = await open();
    const app = freshId('app');
    expect((await compile(runtime, app, { ...BOTTLE, 'app.py': 'one' })).output).toContain(
      'Successfully installed',
    );
    const whole = await compile(runtime, app, { ...BOTTLE, 'setup.py': '', 'app.py': 'one' });
    expect(whole).toMatchObject({ code: 0, output: expect.stringContaining(RESTORED), bottle: '0.13.4' });
    const again = await compile(runtime, app, { ...BOTTLE, 'setup.py': '', 'app.py': 'two' }, NO_DOWNLOADS);
    expect(again).toEqual(whole);

    const hook = { ...BOTTLE, 'bin/post_compile': 'echo the hook ran' };
    for (let times = 0; times < 2; times += 1)
      expect((await compile(runtime, app, hook)).output).toMatch(/taken from the last build[^]*the hook ran/);
    const older = { ...BOTTLE, 'requirements.txt': 'bottle==0.13.3\n' };
    expect(await compile(runtime, app, older)).toMatchObject({ code: 0, bottle: '0.13.3' });
    expect((await compile(runtime, app, older, NO_DOWNLOADS)).bottle).toBe('0.13.3');
    const broken = { ...BOTTLE, 'requirements.txt': 'bottle==0.0.1.dev1\n' };
    expect((await compile(runtime, app, broken)).code).toBe(1);
    expect((await compile(runtime, app, older, NO_DOWNLOADS)).code).not.toBe(0);
    expect(await compile(runtime, app, older)).toMatchObject({ code: 0, bottle: '0.13.3' });
  }, 300_000);

  test('are none where a project includes a list that is not looked at, or has a program that builds run', async () => {
    const { runtime } = await open();
    const app = freshId('app');
    const list = (version: string) => ({
      ...{ '.python-version': '3.13', 'requirements.txt': '-r lists/base.txt' },
      'lists/base.txt': `bottle==${version}`,
    });
    for (const version of ['0.13.4', '0.13.4', '0.13.3'])
      expect((await compile(runtime, app, list(version))).bottle).toBe(version);
    const plain = await compile(runtime, app, BOTTLE);
    expect(plain).toMatchObject({ code: 0, bottle: '0.13.4' });
    const django = { ...BOTTLE, 'site/manage.py': '' };
    expect((await compile(runtime, app, django, NO_DOWNLOADS)).code).not.toBe(0);
  }, 300_000);
});
