import { spawn } from 'node:child_process';
import { once } from 'node:events';
import { chmod, mkdtemp, rm, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterEach, beforeEach, describe, expect, it } from 'vitest';

const ROOT = join(import.meta.dirname, '..', '..');
let folder = '';

beforeEach(async () => {
  folder = await mkdtemp(join(tmpdir(), 'slipway-start-'));
});
afterEach(async () => {
  await rm(folder, { recursive: true, force: true });
});

/** Runs what `npm start` runs until it prints the text or ends. */
function start(args: string[], until: string): Promise<{ code: number | null; output: string }> {
  return run(process.execPath, [join(ROOT, 'electron', 'start.ts'), ...args], until);
}

/** Runs a command until it prints the text, which is answered with SIGTERM; resolves when all that it began has ended. */
async function run(
  command: string,
  args: string[],
  until: string,
): Promise<{ code: number | null; output: string }> {
  const child = spawn(command, args, {
    cwd: ROOT,
    env: {
      ...process.env,
      ELECTRON_OVERRIDE_DIST_PATH: folder,
      SLIPWAY_HOME: join(folder, 'home'),
      SLIPWAY_API_PORT: '0',
      SLIPWAY_ROUTER_PORT: '0',
      SLIPWAY_RUNTIME: 'process',
    },
  });
  let output = '';
  let stopped = false;
  for (const stream of [child.stdout, child.stderr]) {
    stream.on('data', (chunk: Buffer) => {
      output += chunk.toString();
      if (stopped || !output.includes(until)) return;
      stopped = true;
      child.kill('SIGTERM');
    });
  }
  await once(child, 'close');
  return { code: child.exitCode, output };
}

describe('npm start', () => {
  it('runs headless and says why where Electron’s program is not installed', async () => {
    const { code, output } = await start([], 'Slipway ready ');
    expect(output).toContain('No window: Electron’s program is not installed, so Slipway runs headless.');
    expect(output).toContain('Slipway ready ui=');
    expect(code).toBe(0);
  });

  it.skipIf(process.platform === 'win32')('stops in order when only npm is told to', async () => {
    const { output } = await run('npm', ['start'], 'Slipway ready ');
    expect(output).toContain('Stopping: ');
  });

  it.skipIf(process.platform !== 'linux')(
    'starts Electron’s program on the built app where it is installed, and ends as it does',
    async () => {
      const program = join(folder, 'electron');
      await writeFile(
        program,
        '#!/bin/sh\nfor word in "$@"; do echo "word $word"; done\nls "$1/dist/main/main.js" "$1/dist/preload/preload.cjs"\nexit 7\n',
      );
      await chmod(program, 0o755);
      const { code, output } = await start(['slipway://apps/shop'], 'never printed');
      expect(output).toContain(`word ${ROOT}\nword slipway://apps/shop\n${ROOT}/dist/main/main.js\n`);
      expect(output).toContain('preload.cjs');
      expect(code).toBe(7);
    },
  );

  it.skipIf(process.platform !== 'linux')('hands SIGTERM on and waits for the desktop app', async () => {
    const program = join(folder, 'electron');
    await writeFile(
      program,
      '#!/bin/bash\ntrap "echo in order; exit 3" TERM\necho Started\nfor turn in {1..300}; do sleep 0.1; done\n',
    );
    await chmod(program, 0o755);
    const { code, output } = await start([], 'Started');
    expect(output).toContain('in order');
    expect(code).toBe(3);
  });
});
