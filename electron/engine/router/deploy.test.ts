import { Agent, request, type Server } from 'node:http';
import { createServer } from 'node:net';
import { expect, test } from 'vitest';
import { ListenError } from './listener.ts';
import type { Backend } from './routing-table.ts';
import { pause, Testbed, until } from './testbed.ts';
import { bed, open } from './testing-bed.ts';

test('requests held during a boot are served once a dyno is up', async () => {
  await open();
  bed.route([], 'starting');
  const asked = Array.from({ length: 20 }, (_, i) => bed.ask(`/${i}`, { method: 'POST', body: `body ${i}` }));
  await until(() => bed.router.requestCounts('app-1').inFlight === 20);
  bed.route([await bed.dyno((incoming, response) => void incoming.pipe(response))]);
  expect((await Promise.all(asked)).map((answer) => answer.body)).toEqual(asked.map((_, i) => `body ${i}`));
});

test.each([
  ['crashed', 'H10'],
  ['off', 'H14'],
] as const)('requests held during a boot that ends as %s get %s', async (state, code) => {
  await open();
  bed.route([], 'starting');
  const asked = bed.ask('/');
  await until(() => bed.router.requestCounts('app-1').inFlight === 1);
  bed.route([], state);
  expect((await asked).headers['slipway-error']).toBe(code);
});

test('a request held when its app is removed gets the 404 page', async () => {
  await open();
  bed.route([], 'starting');
  const asked = bed.ask('/');
  await until(() => bed.router.requestCounts('app-1').inFlight === 1);
  bed.router.removeRoute('app-1');
  expect((await asked).status).toBe(404);
});

test('an app that is renamed is reached by its new name only', async () => {
  await open();
  const backends = [await bed.dyno((_request, response) => response.end('ok'))];
  bed.route(backends);
  bed.router.setRoute({ appId: 'app-1', appName: 'other', state: 'up', backends });
  expect((await bed.ask('/')).status).toBe(404);
  expect((await bed.ask('/', { host: 'other.localhost' })).body).toBe('ok');
});

/** A dyno that says who it is and tells how many connections it has. */
async function counted(
  name: string,
): Promise<{ backend: Backend; server: Server; connections: () => Promise<number> }> {
  let server: Server | undefined;
  const backend = await bed.dyno(
    (_request, response) => response.end(name),
    (it) => {
      server = it;
    },
  );
  if (server === undefined) throw new Error('no server');
  const own = server;
  return {
    backend: { ...backend, name },
    server: own,
    connections: () =>
      new Promise((resolve) => {
        own.getConnections((_error, count) => {
          resolve(count);
        });
      }),
  };
}

test('connections are used again, and closed when idle or when the dyno leaves the route', async () => {
  await open({ poolIdleMs: 300 });
  const one = await counted('web.1');
  let made = 0;
  one.server.on('connection', () => made++);
  bed.route([one.backend]);
  for (let i = 0; i < 5; i++) expect((await bed.ask('/')).body).toBe('web.1');
  expect(made).toBe(1);
  expect(await one.connections()).toBe(1);
  await until(async () => (await one.connections()) === 0);
  await bed.ask('/');
  expect(await one.connections()).toBe(1);
  bed.route([], 'off');
  await until(async () => (await one.connections()) === 0);
});

test('a dyno that closes an idle connection at the moment of the next request loses no request', async () => {
  await open();
  let connections = 0;
  const dyno = await bed.rawDyno((socket) => {
    connections++;
    let requests = 0;
    socket.on('data', (data) => {
      // The second request on a connection meets a closed door, as with a server's keep-alive limit.
      if (++requests > 1) socket.resetAndDestroy();
      else {
        const text = data.toString().split('\r\n\r\n')[1] ?? '';
        socket.write(`HTTP/1.1 200 OK\r\nContent-Length: ${text.length}\r\n\r\n${text}`);
      }
    });
  });
  bed.route([dyno]);
  for (let i = 0; i < 10; i++) {
    expect((await bed.ask('/')).status).toBe(200);
    expect(await bed.ask('/', { method: 'PUT', body: 'again' })).toMatchObject({ status: 200 });
  }
  expect(connections).toBeGreaterThan(5);
  expect(bed.lines.every((line) => line.startsWith('at=info'))).toBe(true);
});

test('a POST is never sent twice: a connection that breaks under it is H13', async () => {
  await open();
  let posts = 0;
  bed.route([
    await bed.rawDyno((socket) => {
      let requests = 0;
      socket.on('data', (data) => {
        if (data.toString().startsWith('POST')) posts++;
        if (++requests > 1) socket.destroy();
        else socket.write('HTTP/1.1 200 OK\r\nContent-Length: 0\r\n\r\n');
      });
    }),
  ]);
  expect((await bed.ask('/')).status).toBe(200);
  expect((await bed.ask('/', { method: 'POST', body: 'x' })).headers['slipway-error']).toBe('H13');
  expect(posts).toBe(1);
});

test('a dyno that says how long it keeps connections is believed', async () => {
  await open();
  let connections = 0;
  bed.route([
    await bed.rawDyno((socket) => {
      connections++;
      socket.on('data', () =>
        socket.write('HTTP/1.1 200 OK\r\nKeep-Alive: timeout=1\r\nContent-Length: 0\r\n\r\n'),
      );
    }),
  ]);
  await bed.ask('/');
  await bed.ask('/');
  expect(connections).toBe(2);
});

test('drained: waits for requests in flight, and not longer than asked', async () => {
  await open();
  let answer: (() => void) | null = null as (() => void) | null;
  const old = await bed.dyno((_request, response) => {
    answer = () => void response.end('old');
  });
  bed.route([old]);
  const asked = bed.ask('/');
  await until(() => answer !== null);
  const fresh = await counted('web.2');
  bed.route([fresh.backend]);
  let drained = false;
  const draining = bed.router.drained(old.dynoId, 60_000).then(() => {
    drained = true;
  });
  await bed.router.drained(old.dynoId, 100);
  expect(drained).toBe(false);
  expect((await bed.ask('/')).body).toBe('web.2');
  answer?.();
  expect((await asked).body).toBe('old');
  await draining;
  await bed.router.drained('unknown', 60_000);
});

test('no request fails while dynos are replaced under load, keep-alive limits of the dynos included', async () => {
  await open();
  const agent = new Agent({ keepAlive: true, maxSockets: 20 });
  bed.defer(() => agent.destroy());
  const failures: string[] = [];
  let answered = 0;
  const ask = (method: string): Promise<void> =>
    new Promise((resolve) => {
      const sent = request(
        { host: '127.0.0.1', port: bed.port, agent, method, headers: { host: 'demo.localhost' } },
        (incoming) => {
          if (incoming.statusCode !== 200) failures.push(String(incoming.headers['slipway-error']));
          incoming.resume().on('end', () => {
            answered++;
            resolve();
          });
        },
      );
      sent.on('error', (error) => {
        failures.push(error.message);
        resolve();
      });
      sent.end(method === 'PUT' ? 'small' : undefined);
    });
  const start = async (): Promise<{ backend: Backend; server: Server }> => {
    let server: Server | undefined;
    const backend = await bed.dyno(
      (incoming, response) => {
        incoming.resume();
        setTimeout(() => response.end('ok'), Math.random() * 10);
      },
      (it) => {
        server = it;
        it.keepAliveTimeout = 20;
        it.keepAliveTimeoutBuffer = 0;
      },
    );
    if (server === undefined) throw new Error('no server');
    // Hides the limit, so that only the router's second try helps.
    server.on('request', (_incoming, response) => response.setHeader('Keep-Alive', 'timeout=60'));
    return { backend, server };
  };
  let current = [await start(), await start()];
  bed.route(current.map((each) => each.backend));
  let running = true;
  const load = Array.from({ length: 8 }, async (_, lane) => {
    while (running) {
      await ask(lane % 4 === 0 ? 'PUT' : 'GET');
      await pause(Math.random() * 40);
    }
  });
  for (let round = 0; round < 15; round++) {
    await pause(100);
    const old = current;
    current = [await start(), await start()];
    bed.route(current.map((each) => each.backend));
    await Promise.all(
      old.map(async ({ backend, server }) => {
        await bed.router.drained(backend.dynoId, 5000);
        server.close();
        server.closeAllConnections();
      }),
    );
  }
  running = false;
  await Promise.all(load);
  expect(failures).toEqual([]);
  expect(answered).toBeGreaterThan(200);
});

test('a port in use is an error with its code; other machines are not served', async () => {
  await open();
  const taken = createServer();
  await new Promise<void>((resolve) => taken.listen(0, '127.0.0.1', resolve));
  bed.defer(() => void taken.close());
  const address = taken.address();
  const port = typeof address === 'object' && address !== null ? address.port : 0;
  const second = new Testbed();
  await expect(second.router.listen(port, ['127.0.0.1'])).rejects.toMatchObject({ code: 'EADDRINUSE', port });
  await expect(second.router.listen(0, ['0.0.0.0'])).rejects.toBeInstanceOf(ListenError);
  await second.close();
});

test('close lets requests in flight end and takes no new ones', async () => {
  await open({ closeMs: 5000 });
  let answer: (() => void) | undefined;
  bed.route([
    await bed.dyno((_request, response) => {
      answer = () => void response.end('done');
    }),
  ]);
  const asked = bed.ask('/');
  await until(() => answer !== undefined);
  const closed = bed.router.close();
  await expect(bed.ask('/')).rejects.toThrow(/ECONNREFUSED/);
  answer?.();
  expect((await asked).body).toBe('done');
  await closed;
});
