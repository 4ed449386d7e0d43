import { existsSync } from 'node:fs';
import { mkdtemp, rm } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { _electron, type ElectronApplication, type Page } from 'playwright-core';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { buildWhenStale } from '../../electron/build-targets.ts';

const ROOT = join(import.meta.dirname, '..', '..');
const dist = process.env['ELECTRON_OVERRIDE_DIST_PATH'];
const program =
  dist === undefined ? '' : join(dist, process.platform === 'win32' ? 'electron.exe' : 'electron');
const runs = program !== '' && existsSync(program);
if (!runs) {
  console.log(
    'Electron’s program is not here, so the test on real Electron is skipped. Set ELECTRON_OVERRIDE_DIST_PATH to its unpacked folder to run it.',
  );
}

describe.runIf(runs)('the desktop app in real Electron', () => {
  let home = '';
  let app: ElectronApplication;
  let page: Page;

  beforeAll(async () => {
    for (const name of ['renderer', 'preload', 'main', 'router'] as const) await buildWhenStale(name);
    home = await mkdtemp(join(tmpdir(), 'slipway-electron-'));
    app = await _electron.launch({
      executablePath: program,
      args: process.getuid?.() === 0 ? ['--no-sandbox', ROOT] : [ROOT],
      env: {
        ...(process.env as Record<string, string>),
        SLIPWAY_HOME: home,
        SLIPWAY_API_PORT: '0',
        SLIPWAY_ROUTER_PORT: '0',
        SLIPWAY_RUNTIME: 'process',
      },
    });
    page = await app.firstWindow();
    await page.waitForLoadState('domcontentloaded');
  });

  afterAll(async () => {
    await app.close();
    await rm(home, { recursive: true, force: true });
  });

  it('shows the UI from its own scheme, in a secure context, without Node.js', async () => {
    expect(page.url()).toBe('slipway-ui://app/');
    const seen = await page.evaluate(() => ({
      secure: Reflect.get(globalThis, 'isSecureContext') as boolean,
      node: typeof Reflect.get(globalThis, 'require') + typeof Reflect.get(globalThis, 'process'),
      keys: Object.keys(Reflect.get(globalThis, 'slipway') as object).sort(),
    }));
    expect(seen).toMatchObject({ secure: true, node: 'undefinedundefined' });
    expect(seen.keys).toContain('connect');
  });

  it('asks the engine over a message port', async () => {
    const answer = await page.evaluate(
      () =>
        new Promise<string>((resolve) => {
          const desktop = Reflect.get(globalThis, 'slipway') as {
            connect(): {
              send(text: string): void;
              addEventListener(type: 'message', listener: (event: { data: string }) => void): void;
            };
          };
          const port = desktop.connect();
          port.addEventListener('message', ({ data }) => {
            resolve(data);
          });
          port.send(JSON.stringify({ t: 'call', id: '1', name: 'system.info', input: {} }));
        }),
    );
    expect(JSON.parse(answer)).toMatchObject({ t: 'value', id: '1', value: { home } });
  });

  it('stays where it is', async () => {
    await page.evaluate(() => {
      (Reflect.get(globalThis, 'location') as { href: string }).href = 'https://x.example/';
    });
    await new Promise((resolve) => setTimeout(resolve, 500));
    expect(page.url()).toBe('slipway-ui://app/');
    expect(app.windows()).toHaveLength(1);
  });
});
