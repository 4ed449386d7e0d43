import { mkdtempSync, rmSync, writeFileSync } from 'node:fs';
import { createServer, type Server } from 'node:net';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterEach, beforeEach, describe, expect, it, vi } from 'vitest';
import type * as Fake from '../../test/support/fake-electron.ts';

vi.setConfig({ testTimeout: 15_000 });

let home = '';
let said: string[] = [];
let server: Server | null = null;

beforeEach(() => {
  vi.resetModules();
  home = mkdtempSync(join(tmpdir(), 'slipway-main-'));
  vi.stubEnv('SLIPWAY_HOME', home);
  vi.stubEnv('SLIPWAY_API_PORT', '0');
  vi.stubEnv('SLIPWAY_ROUTER_PORT', '0');
  vi.stubEnv('SLIPWAY_RUNTIME', 'process');
  said = [];
  vi.spyOn(console, 'error').mockImplementation((text: string) => said.push(text));
});
afterEach(() => {
  for (const signal of ['SIGINT', 'SIGTERM']) process.removeAllListeners(signal);
  server?.close();
  server = null;
  vi.unstubAllEnvs();
  vi.restoreAllMocks();
  rmSync(home, { recursive: true, force: true });
});

/** Runs the main process until it leaves. */
async function leaving(
  before: (electron: typeof Fake) => void = () => undefined,
): Promise<{ code: number; electron: typeof Fake }> {
  const electron = await import('../../test/support/fake-electron.ts');
  vi.doMock('electron', () => electron);
  before(electron);
  const exit = new Promise<number>((resolve) => electron.app.once('test-exit', resolve));
  await import('./main.ts');
  return { code: await exit, electron };
}

describe('a start that cannot go on', () => {
  it('says which setting makes no sense', async () => {
    vi.stubEnv('SLIPWAY_ROUTER_PORT', 'many');
    const { code, electron } = await leaving();
    expect(code).toBe(1);
    expect(electron.dialog.errors).toEqual([expect.stringContaining('SLIPWAY_ROUTER_PORT')]);
    expect(said).toEqual([expect.stringMatching(/^slipway: .*SLIPWAY_ROUTER_PORT/)]);
  });

  it('says that the data folder cannot be used', async () => {
    const file = join(home, 'file');
    writeFileSync(file, '');
    vi.stubEnv('SLIPWAY_HOME', file);
    const { code, electron } = await leaving();
    expect(code).toBe(1);
    expect(electron.dialog.errors).toEqual([expect.stringContaining(`SLIPWAY_HOME=${file}`)]);
  });

  it('says that a port is in use', async () => {
    server = createServer();
    const port = await new Promise<number>((resolve) => {
      server?.listen(0, '127.0.0.1', () => {
        resolve((server?.address() as { port: number }).port);
      });
    });
    vi.stubEnv('SLIPWAY_ROUTER_PORT', String(port));
    const { code, electron } = await leaving();
    expect(code).toBe(1);
    expect(electron.dialog.errors).toEqual([
      expect.stringContaining(`Port ${port} (SLIPWAY_ROUTER_PORT) is in use`),
    ]);
  });

  it('leaves to the instance that runs already, without a word', async () => {
    const { code, electron } = await leaving(({ app }) => (app.hasLock = false));
    expect(code).toBe(0);
    expect(electron.BrowserWindow.all).toEqual([]);
    expect([...electron.dialog.errors, ...said]).toEqual([]);
  });
});

it('a signal ends it in order, without asking', async () => {
  vi.spyOn(console, 'log').mockReturnValue();
  const { code, electron } = await leaving(({ app }) => {
    void app.whenReady().then(() => setTimeout(() => process.emit('SIGTERM', 'SIGTERM'), 300));
  });
  expect(code).toBe(0);
  expect(electron.dialog.asked).toEqual([]);
});
