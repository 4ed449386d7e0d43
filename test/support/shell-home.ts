import { mkdtemp } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';

/** Makes a data folder and settings for the main process that a test imports: free ports, plain processes. */
export async function shellHome(): Promise<string> {
  const home = await mkdtemp(join(tmpdir(), 'slipway-shell-'));
  Object.assign(process.env, {
    SLIPWAY_HOME: home,
    SLIPWAY_API_PORT: '0',
    SLIPWAY_ROUTER_PORT: '0',
    SLIPWAY_RUNTIME: 'process',
  });
  return home;
}
