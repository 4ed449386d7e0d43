import { spawn } from 'node:child_process';
import { join } from 'node:path';
import { createInterface } from 'node:readline';
import { SlipwayError } from '#shared/errors.ts';

const MAIN = join(import.meta.dirname, '..', 'start.ts');

/**
 * Starts the headless host as a process of its own and waits until it is ready.
 * @throws SlipwayError `unavailable` with what it printed when it does not start
 */
export async function startEngine(env: Readonly<Record<string, string | undefined>>): Promise<void> {
  const child = spawn(process.execPath, [MAIN, '--headless'], {
    env,
    detached: true,
    stdio: ['ignore', 'pipe', 'pipe'],
  });
  const problems: string[] = [];
  createInterface({ input: child.stderr }).on('line', (text) => problems.push(text));
  const ready = await new Promise<boolean>((resolve) => {
    createInterface({ input: child.stdout }).on('line', (text) => {
      if (text.startsWith('Slipway ready ')) resolve(true);
    });
    child.once('exit', () => {
      resolve(false);
    });
  });
  if (!ready)
    throw new SlipwayError('unavailable', `The engine did not start. ${problems.slice(-3).join(' ')}`);
  child.stdout.destroy();
  child.stderr.destroy();
  child.unref();
}
