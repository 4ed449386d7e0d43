import { spawn } from 'node:child_process';
import { once } from 'node:events';
import { mkdtemp, rm, stat, writeFile } from 'node:fs/promises';
import { createServer } from 'node:net';
import { request } from 'node:http';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { type Host, startHost } from './support/host.ts';

const START = join(import.meta.dirname, '..', '..', 'electron', 'start.ts');

/** Starts an engine that is expected to refuse, and says how. */
async function refusal(
  env: Readonly<Record<string, string>>,
): Promise<{ code: number | null; out: string; lines: string[] }> {
  const home = await mkdtemp(join(tmpdir(), 'slipway-start-'));
  const settings = {
    SLIPWAY_HOME: home,
    SLIPWAY_API_PORT: '0',
    SLIPWAY_ROUTER_PORT: '0',
    SLIPWAY_RUNTIME: 'process',
    ...env,
  };
  const child = spawn(process.execPath, [START, '--headless'], { env: { ...process.env, ...settings } });
  let out = '';
  let errors = '';
  child.stdout.on('data', (chunk: Buffer) => (out += chunk.toString()));
  child.stderr.on('data', (chunk: Buffer) => (errors += chunk.toString()));
  await once(child, 'close');
  await rm(home, { recursive: true, force: true });
  return { code: child.exitCode, out, lines: errors.trim().split('\n') };
}

describe('an engine that cannot start', () => {
  it.each(['SLIPWAY_API_PORT', 'SLIPWAY_ROUTER_PORT'])(
    'says in one line that the port of %s is in use',
    async (name) => {
      const server = createServer().listen(0, '127.0.0.1');
      await once(server, 'listening');
      const address = server.address();
      const port = typeof address === 'object' && address !== null ? address.port : 0;
      const { code, out, lines } = await refusal({ [name]: String(port) });
      server.close();
      expect(code).toBe(1);
      expect(out).toBe('');
      expect(lines).toEqual([expect.stringMatching(new RegExp(`Port ${port} \\(${name}\\) is in use`))]);
    },
  );

  it('says in one line that the data folder cannot be used', async () => {
    const file = join(tmpdir(), `slipway-file-${process.pid}`);
    await writeFile(file, '');
    const { code, lines } = await refusal({ SLIPWAY_HOME: join(file, 'home') });
    await rm(file);
    expect(code).toBe(1);
    expect(lines).toEqual([expect.stringContaining('SLIPWAY_HOME')]);
  });

  it('says in one line that Docker does not answer', async () => {
    const { code, lines } = await refusal({
      SLIPWAY_RUNTIME: 'docker',
      DOCKER_HOST: 'unix:///nowhere/docker.sock',
    });
    expect(code).toBe(1);
    expect(lines).toEqual([expect.stringMatching(/SLIPWAY_RUNTIME=docker.*\/nowhere\/docker\.sock/)]);
  });

  it('names a setting that makes no sense', async () => {
    const { code, lines } = await refusal({ SLIPWAY_ROUTER_PORT: 'many' });
    expect(code).toBe(1);
    expect(lines).toEqual([expect.stringContaining('SLIPWAY_ROUTER_PORT')]);
  });
});

describe('a running engine', () => {
  let host: Host;

  beforeAll(async () => {
    host = await startHost({ SLIPWAY_RUNTIME: 'auto', DOCKER_HOST: 'unix:///nowhere/docker.sock' });
  });

  afterAll(async () => {
    await host.stop();
    expect(host.process.exitCode).toBe(0);
  });

  it('falls back to processes and says why, and that they are not isolated', async () => {
    const { runtime } = await host.client.call('system.info', {});
    expect(runtime).toMatchObject({ kind: 'process', isolated: false });
    expect(runtime.notes.join(' ')).toContain('/nowhere/docker.sock');
  });

  it('keeps its key to its user', async () => {
    expect((await stat(join(host.home, 'api-key'))).mode & 0o777).toBe(0o600);
  });

  it('does not share its data folder', async () => {
    const { code, lines } = await refusal({ SLIPWAY_HOME: host.home });
    expect(code).toBe(1);
    expect(lines.join(' ')).toContain('another Slipway uses this data folder');
  });

  it('lets nobody in without a key, by another name, or from another page', async () => {
    const port = Number(new URL(host.uiUrl).port);
    expect(await ask(port, { host: `localhost:${port}` })).toBe(401);
    expect(await ask(port, { host: `evil.example:${port}` })).toBe(421);
    expect(await ask(port, { host: `localhost:${port}`, origin: 'http://evil.example' })).toBe(403);
  });

  it('takes the token of the start URL once, for a strict cookie', async () => {
    const first = await fetch(host.uiUrl.replace('localhost', '127.0.0.1'), { redirect: 'manual' });
    expect(first.status).toBe(303);
    expect(first.headers.get('set-cookie')).toMatch(/HttpOnly; SameSite=Strict/);
    const page = await fetch(new URL('/apps', host.uiUrl.replace('localhost', '127.0.0.1')), {
      headers: { cookie: first.headers.get('set-cookie')?.split(';')[0] ?? '', accept: 'text/html' },
    });
    expect(page.status).toBe(200);
    expect(page.headers.get('content-security-policy')).toContain("default-src 'none'");
    const second = await fetch(host.uiUrl.replace('localhost', '127.0.0.1'), { redirect: 'manual' });
    expect(second.status).toBe(401);
  });
});

function ask(port: number, headers: Record<string, string>): Promise<number> {
  return new Promise((resolve, reject) => {
    request({ host: '127.0.0.1', port, path: '/contract', headers }, (response) => {
      response.resume();
      resolve(response.statusCode ?? 0);
    })
      .on('error', reject)
      .end();
  });
}
