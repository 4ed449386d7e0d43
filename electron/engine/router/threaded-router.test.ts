import { readdirSync, readlinkSync } from 'node:fs';
import { get } from 'node:http';
import { get as getSecurely } from 'node:https';
import { Worker } from 'node:worker_threads';
import { describe, expect, test } from 'vitest';
import { createAuthority } from '../https/certificates.ts';
import type { RouterLimits } from './limits.ts';
import { ListenError } from './listener.ts';
import { bed, open as openBed } from './testing-bed.ts';
import { until } from './testbed.ts';
import { startWorker } from './thread.ts';
import { createThreadedRouter } from './threaded-router.ts';

interface More {
  readonly threads?: number;
  readonly limits?: Partial<RouterLimits>;
  readonly wake?: (appId: string) => void;
}

/** A bed whose router is in threads, what it reported, and its threads. */
async function open({ threads = 1, limits = {}, wake }: More = {}) {
  const problems: string[] = [];
  const workers: Worker[] = [];
  await openBed(limits, wake, ({ log, ...options }) =>
    createThreadedRouter({
      ...{ log, threads },
      ...(options.wake === undefined ? {} : { wake: options.wake }),
      ...(options.limits === undefined ? {} : { limits: options.limits }),
      onProblem: (what) => problems.push(what),
      startWorker: (data) => {
        const worker = startWorker(data);
        workers.push(worker);
        return worker;
      },
    }),
  );
  return { problems, workers };
}

/** Descriptors of pollers that the process holds; Node has one for each thread as well. */
function pollers(): number {
  const links = readdirSync('/proc/self/fd').map((name) => {
    try {
      return readlinkSync(`/proc/self/fd/${name}`);
    } catch {
      // That of the folder itself, which is closed by now.
      return '';
    }
  });
  return links.filter((link) => link.includes('eventpoll')).length;
}

const ok = (text = 'ok') => bed.dyno((_request, response) => response.end(text));

test('requests are answered, logged and counted', async () => {
  await open();
  bed.route([await ok()]);
  for (let i = 0; i < 5; i++) expect((await bed.ask(`/${i}`)).body).toBe('ok');
  await bed.line(/path="\/4" .* status=200/);
  expect(bed.lines.map((line) => /path="(\S+)"/.exec(line)?.[1])).toEqual(['/0', '/1', '/2', '/3', '/4']);
  await until(() => bed.router.requestCounts('app-1').total === 5);
  expect(bed.router.requestCounts('app-1')).toMatchObject({
    total: 5,
    inFlight: 0,
    bytesOut: 10,
    byClass: { '1xx': 0, '2xx': 5, '3xx': 0, '4xx': 0, '5xx': 0 },
  });
  expect(bed.router.requestCounts('nobody').total).toBe(0);
});

test('HTTPS is served in the thread, by the next one as well when it dies, and rules of an app hold there', async () => {
  const { workers, problems } = await open();
  const authority = await createAuthority('test', Date.now());
  const { port } = await bed.router.listenTls(0, ['127.0.0.1'], authority);
  const ask = (): Promise<number> =>
    new Promise((resolve, reject) => {
      const headers = { host: 'demo.localhost' };
      const where = { host: '127.0.0.1', port, servername: 'demo.localhost', agent: false };
      getSecurely({ ...where, headers, ca: authority.certificate }, (response) => {
        response.resume().on('end', () => {
          resolve(response.statusCode ?? 0);
        });
      }).on('error', reject);
    });
  bed.route([await ok()]);
  expect(await ask()).toBe(200);
  await workers[0]?.terminate();
  await until(async () => (await ask().catch(() => 0)) === 200);
  expect(problems).toHaveLength(1);
  bed.routeWith({ maintenance: true }, []);
  await bed.router.drained('', 0);
  expect(await ask()).toBe(503);
  bed.router.closeTls();
  await until(async () => (await ask().catch(() => 0)) === 0);
});

test('a dyno that has left the route gets no request once drained has told so, and drained waits for those in flight', async () => {
  await open();
  const held: (() => void)[] = [];
  const old = await bed.dyno((_request, response) => held.push(() => response.end('old')));
  const fresh = await ok('new');
  bed.route([old]);
  const inFlight = bed.ask('/');
  await until(() => held.length === 1);
  bed.route([fresh]);
  let drained = false;
  const waiting = bed.router.drained(old.dynoId, 60_000).then(() => (drained = true));
  // In force at once, whatever is in flight.
  await bed.router.drained(old.dynoId, 0);
  for (let i = 0; i < 20; i++) expect((await bed.ask('/')).body).toBe('new');
  expect(drained).toBe(false);
  held[0]?.();
  expect((await inFlight).body).toBe('old');
  await waiting;
  expect(held.length).toBe(1);
});

test('a request for a sleeping app wakes it and is held until it is up', async () => {
  const woken: string[] = [];
  await open({ wake: (appId) => woken.push(appId) });
  bed.route([], 'asleep');
  const asked = bed.ask('/');
  await until(() => woken.length > 0);
  expect(woken).toEqual(['app-1']);
  expect(bed.router.requestCounts('app-1').inFlight).toBe(1);
  bed.route([await ok()]);
  expect((await asked).body).toBe('ok');
});

test('an app that is gone is not found any more, and its counts are forgotten', async () => {
  await open();
  bed.route([await ok()]);
  await bed.ask('/');
  await until(() => bed.router.requestCounts('app-1').total === 1);
  bed.router.removeRoute('app-1');
  expect((await bed.ask('/')).status).toBe(404);
  expect(bed.router.requestCounts('app-1').total).toBe(0);
});

test('a port that is taken is a ListenError with code and port', async () => {
  await open();
  const other = createThreadedRouter({ log: () => undefined, onProblem: () => undefined });
  bed.defer(() => other.close());
  const error = await other.listen(bed.port, ['127.0.0.1']).catch((reason: unknown) => reason);
  expect(error).toBeInstanceOf(ListenError);
  expect(error).toMatchObject({ code: 'EADDRINUSE', port: bed.port });
});

test('requests are answered while the thread of the engine is busy', async () => {
  await open();
  const counter = new Int32Array(new SharedArrayBuffer(4));
  // Dyno and client live elsewhere, too.
  const outside = new Worker(
    `const { createServer, get } = require('node:http');
     const { parentPort, workerData } = require('node:worker_threads');
     const server = createServer((request, response) => response.end('ok')).listen(0, '127.0.0.1', () => {
       parentPort.postMessage(server.address().port);
     });
     parentPort.on('message', (port) => {
       const ask = () => get({ port, host: '127.0.0.1', headers: { host: 'demo.localhost' } }, (answer) => {
         if (answer.statusCode === 200) Atomics.add(workerData, 0, 1);
         answer.resume().on('end', ask);
       }).on('error', () => undefined);
       ask();
     });`,
    { eval: true, workerData: counter },
  );
  bed.defer(async () => void (await outside.terminate()));
  const port = await new Promise<number>((resolve) => outside.once('message', resolve));
  bed.route([{ dynoId: 'outside', name: 'web.1', address: { host: '127.0.0.1', port } }]);
  outside.postMessage(bed.port);
  await until(() => Atomics.load(counter, 0) > 0);
  const before = Atomics.load(counter, 0);
  // Nothing else of this thread runs meanwhile.
  Atomics.wait(new Int32Array(new SharedArrayBuffer(4)), 0, 0, 2_000);
  const after = Atomics.load(counter, 0);
  expect(after).toBeGreaterThan(before + 5);
});

describe('a thread that ends', () => {
  test('is told, and replaced by one with the same port and routes; counts go on', async () => {
    const { problems, workers } = await open();
    bed.route([await ok()]);
    await bed.ask('/');
    await until(() => bed.router.requestCounts('app-1').total === 1);
    await workers[0]?.terminate();
    await until(() => problems.length > 0);
    expect(problems).toEqual(['a thread of the router ended and is started again']);
    await until(() => workers.length === 2);
    await until(() =>
      bed.ask('/').then(
        (answer) => answer.body === 'ok',
        () => false,
      ),
    );
    await until(() => bed.router.requestCounts('app-1').total >= 2);
  });

  test.runIf(process.platform === 'linux')('closes its poller, however busy it was', async () => {
    const { workers } = await open();
    bed.route([await ok()]);
    await bed.ask('/');
    const before = pollers();
    for (let round = 1; round <= 2; round++) {
      const asking = Promise.allSettled(Array.from({ length: 20 }, () => bed.ask('/')));
      await workers[round - 1]?.terminate();
      await asking;
      await until(() => workers.length === round + 1);
      await until(() =>
        bed.ask('/').then(
          (answer) => answer.body === 'ok',
          () => false,
        ),
      );
    }
    expect(pollers()).toBe(before);
  });

  test('holds nobody who waits for its dynos', async () => {
    const { workers } = await open();
    let reached = false;
    const dyno = await bed.dyno(() => {
      reached = true;
    });
    bed.route([dyno]);
    const asked = bed.ask('/').catch((error: unknown) => error);
    await until(() => reached);
    bed.route([]);
    const drained = bed.router.drained(dyno.dynoId, 600_000);
    await new Promise((resolve) => setImmediate(resolve));
    await workers[0]?.terminate();
    await drained;
    expect(await asked).toBeInstanceOf(Error);
  });
});

describe.runIf(process.platform === 'linux')('two threads', () => {
  /** Asks until each thread has been asked: the system spreads connections by their ports. */
  async function askBoth(asked: Set<string>): Promise<number> {
    let count = 0;
    while (asked.size < 2) {
      await bed.ask('/');
      count += 1;
    }
    return count;
  }

  test('share port, routes, counts and the lines of the log', async () => {
    const { workers } = await open({ threads: 2 });
    expect(workers.length).toBe(2);
    // Each thread has connections of its own to a dyno, one of which is kept.
    const asked = new Set<string>();
    bed.route([
      await bed.dyno((request, response) => {
        asked.add(String(request.socket.remotePort));
        response.end('ok');
      }),
    ]);
    const count = await askBoth(asked);
    await until(() => bed.router.requestCounts('app-1').total === count);
    expect(bed.router.requestCounts('app-1')).toMatchObject({ inFlight: 0, bytesOut: 2 * count });
    await until(() => bed.lines.length === count);
    const ids = bed.lines.map((line) => /request_id=(\S+)/.exec(line)?.[1]);
    expect(new Set(ids).size).toBe(count);
  });

  test('a route is in force in both once drained has told so', async () => {
    await open({ threads: 2 });
    const gone = await ok('old');
    for (let round = 0; round < 20; round++) {
      bed.route([gone]);
      const fresh = await ok(`new ${round}`);
      bed.route([fresh]);
      await bed.router.drained(gone.dynoId, 0);
      const answers = await Promise.all(Array.from({ length: 8 }, () => bed.ask('/')));
      expect(new Set(answers.map(({ body }) => body))).toEqual(new Set([`new ${round}`]));
    }
  });

  test('one that ends is replaced while the other serves, and counts go on', async () => {
    const { workers, problems } = await open({ threads: 2 });
    bed.route([await ok()]);
    for (let i = 0; i < 10; i++) await bed.ask('/');
    await until(() => bed.router.requestCounts('app-1').total === 10);
    await workers[1]?.terminate();
    await until(() => workers.length === 3);
    expect(problems).toHaveLength(1);
    for (let i = 0; i < 10; i++)
      await until(() =>
        bed.ask('/').then(
          ({ body }) => body === 'ok',
          () => false,
        ),
      );
    await until(() => bed.router.requestCounts('app-1').total >= 20);
  });
});

test('closing breaks what is in flight after its time, and the lines of it arrive', async () => {
  await open({ limits: { closeMs: 50 } });
  let reached = false;
  bed.route([
    await bed.dyno(() => {
      reached = true;
    }),
  ]);
  const asked = new Promise((resolve) => {
    get({ port: bed.port, host: '127.0.0.1', headers: { host: 'demo.localhost' } }).on('error', resolve);
  });
  await until(() => reached);
  await bed.router.close();
  expect(await asked).toBeInstanceOf(Error);
  expect(bed.lines.join()).toMatch(/code=H24 desc="Forced close"/);
});
