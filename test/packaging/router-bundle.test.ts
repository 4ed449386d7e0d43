import { readFileSync } from 'node:fs';
import { get } from 'node:https';
import { join } from 'node:path';
import { Worker } from 'node:worker_threads';
import { afterAll, beforeAll, expect, it } from 'vitest';
import { buildWhenStale, TARGETS } from '../../electron/build-targets.ts';
import { createAuthority } from '../../electron/engine/https/certificates.ts';
import { Testbed, until } from '../../electron/engine/router/testbed.ts';
import { createThreadedRouter } from '../../electron/engine/router/threaded-router.ts';

const BUNDLE = join(import.meta.dirname, '..', '..', TARGETS.router.result);

let bed: Testbed;
beforeAll(async () => {
  await buildWhenStale('router');
  const source = readFileSync(BUNDLE, 'utf8');
  bed = new Testbed({}, undefined, ({ log, limits = {} }) =>
    createThreadedRouter({
      ...{ log, limits },
      onProblem(what, error) {
        throw new Error(what, { cause: error });
      },
      // As its starter does in a packaged app: as text, so that nothing beside it can be loaded.
      startWorker: (workerData) => new Worker(source, { workerData, execArgv: [], eval: true }),
    }),
  );
  await bed.listen();
});
afterAll(() => bed.close());

it('the bundle of the router’s thread serves, logs and counts', async () => {
  bed.route([await bed.dyno((request, response) => response.end(`seen ${request.url}`))]);
  expect((await bed.ask('/a?b')).body).toBe('seen /a?b');
  expect(await bed.line(/a\?b/)).toMatch(
    /^at=info method=GET path="\/a\?b" .* dyno=web\.1 .* status=200 bytes=9 /,
  );
  await until(() => bed.router.requestCounts('app-1').total === 1);
  bed.route([], 'crashed');
  await bed.router.drained('', 0);
  expect((await bed.ask('/')).headers['slipway-error']).toBe('H10');
});

it('and makes certificates', async () => {
  bed.route([await bed.dyno((_request, response) => response.end('secure'))]);
  const authority = await createAuthority('test', Date.now());
  const { port } = await bed.router.listenTls(0, ['127.0.0.1'], authority);
  const text = await new Promise((resolve, reject) => {
    const where = { host: '127.0.0.1', port, servername: 'demo.localhost', agent: false };
    get({ ...where, ca: authority.certificate, headers: { host: 'demo.localhost' } }, (answer) => {
      let body = '';
      answer.on('data', (chunk: Buffer) => (body += chunk.toString()));
      answer.on('end', () => {
        resolve(body);
      });
    }).on('error', reject);
  });
  expect(text).toBe('secure');
});
