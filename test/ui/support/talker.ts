import { cp, mkdtemp, rm } from 'node:fs/promises';
import { request } from 'node:http';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { deploy, type Host } from '../../e2e/support/host.ts';

const TALKER = join(import.meta.dirname, '..', '..', 'fixtures', 'talker-app');

/** An app that writes to its log what it is told to. */
export interface Talker {
  readonly app: string;
  /** Prints a text, line by line. */
  say(text: string): Promise<void>;
  /** Prints numbered lines at a rate, and answers at once. */
  count(lines: number, rate: number): Promise<void>;
}

/** Deploys `test/fixtures/talker-app`. @param router port of the router; it changes with a new engine */
export async function deployTalker(host: Host, app: string): Promise<Talker> {
  const folder = await mkdtemp(join(tmpdir(), 'slipway-talker-'));
  try {
    await cp(TALKER, folder, { recursive: true });
    await host.client.call('apps.create', { name: app });
    const { failure } = await deploy(host, app, folder);
    if (failure !== null) throw new Error(failure.message);
  } finally {
    await rm(folder, { recursive: true, force: true });
  }
  const send = (path: string, body = ''): Promise<void> => post(host.routerPort, app, path, body);
  return {
    app,
    say: (text) => send('/say', text),
    count: (lines, rate) => send(`/count?lines=${lines}&rate=${rate}`),
  };
}

function post(routerPort: number, app: string, path: string, body: string): Promise<void> {
  return new Promise((resolve, reject) => {
    const headers = { host: `${app}.localhost:${routerPort}`, 'content-length': Buffer.byteLength(body) };
    const sending = request({ host: '127.0.0.1', port: routerPort, path, method: 'POST', headers });
    sending.on('response', (response) => {
      response.resume().on('end', resolve);
      if (response.statusCode !== 200) reject(new Error(`${path} answered ${response.statusCode}`));
    });
    sending.on('error', reject);
    sending.end(body);
  });
}
