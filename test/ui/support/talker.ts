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
  /** Prints numbered lines at a rate. The answer comes at once: the number before the first one. */
  count(lines: number, rate: number): Promise<number>;
}

/** A copy of `test/fixtures/talker-app`; whoever asks for it removes it. */
export async function talkerFolder(): Promise<string> {
  const folder = await mkdtemp(join(tmpdir(), 'slipway-talker-'));
  await cp(TALKER, folder, { recursive: true });
  return folder;
}

/** Deploys the talker. */
export async function deployTalker(host: Host, app: string): Promise<Talker> {
  const folder = await talkerFolder();
  try {
    await host.client.call('apps.create', { name: app });
    const { failure } = await deploy(host, app, folder);
    if (failure !== null) throw new Error(failure.message);
  } finally {
    await rm(folder, { recursive: true, force: true });
  }
  const send = (path: string, body = ''): Promise<string> => post(host.routerPort, app, path, body);
  return {
    app,
    say: async (text) => void (await send('/say', text)),
    count: async (lines, rate) => Number(await send(`/count?lines=${lines}&rate=${rate}`)),
  };
}

function post(routerPort: number, app: string, path: string, body: string): Promise<string> {
  return new Promise((resolve, reject) => {
    const headers = { host: `${app}.localhost:${routerPort}`, 'content-length': Buffer.byteLength(body) };
    const sending = request({ host: '127.0.0.1', port: routerPort, path, method: 'POST', headers });
    sending.on('response', (response) => {
      let text = '';
      response.on('data', (chunk: Buffer) => (text += chunk.toString()));
      response.on('end', () => {
        resolve(text);
      });
      if (response.statusCode !== 200) reject(new Error(`${path} answered ${response.statusCode}`));
    });
    sending.on('error', reject);
    sending.end(body);
  });
}
