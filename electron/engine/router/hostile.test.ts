import { type ChildProcess, spawn, spawnSync } from 'node:child_process';
import { mkdtemp, rm, writeFile } from 'node:fs/promises';
import { createServer } from 'node:http';
import { type AddressInfo, connect } from 'node:net';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterAll, beforeAll, expect, test } from 'vitest';
import { type HostileRequest, hostileRequests } from './testing-hostile.ts';
import { deadBackend, pause, Testbed, until } from './testbed.ts';

const AT_ONCE = 24;
/** How long a client waits for more of an answer: so many looks, with so many milliseconds between them, as a stalled process looks once. */
const LOOKS = 12;
const LOOK_MS = 20;

/** What a dyno understood. */
interface Understood {
  readonly id: string;
  readonly line: string;
  readonly body: string;
}

/** A dyno that writes down what it understands, by Node's own strict parser. */
class Witness {
  readonly seen: Understood[] = [];
  port = 0;
  readonly server = createServer((incoming, response) => {
    let body = '';
    incoming.setEncoding('latin1');
    incoming.on('error', () => undefined);
    incoming.on('data', (text: string) => (body += text));
    const note = (): void => {
      const id = /-(\d+)-/.exec(incoming.url ?? '')?.[1] ?? 'none';
      this.seen.push({ id, line: `${incoming.method} ${incoming.url}`, body });
    };
    incoming.on('end', () => {
      note();
      response.end('seen\n');
    });
    incoming.on('close', () => {
      if (!incoming.complete) body = `${body} (broken off)`;
    });
  });

  async listen(): Promise<this> {
    await new Promise<void>((resolve) => this.server.listen(0, '127.0.0.1', resolve));
    this.port = (this.server.address() as AddressInfo).port;
    return this;
  }

  close(): void {
    this.server.closeAllConnections();
    this.server.close();
  }
}

/** Sends it, waits until nothing more comes, and answers with the statuses of what came. */
function send(port: number, text: string): Promise<number[]> {
  return new Promise((resolve) => {
    const socket = connect(port, '127.0.0.1');
    let received = '';
    let looks = -LOOKS;
    const done = (): void => {
      clearInterval(timer);
      socket.destroy();
      resolve([...received.matchAll(/^HTTP\/1\.1 (\d{3}) /gm)].map((match) => Number(match[1])));
    };
    const timer = setInterval(() => {
      looks += 1;
      if (looks >= LOOKS) done();
    }, LOOK_MS);
    socket.on('data', (data) => {
      received += data.toString('latin1');
      looks = 0;
    });
    socket.on('error', done);
    socket.on('close', done);
    socket.write(text, 'latin1');
  });
}

async function sendAll(port: number, requests: readonly HostileRequest[]): Promise<number[][]> {
  const answers: number[][] = [];
  let next = 0;
  const lane = async (): Promise<void> => {
    for (let at = next++; at < requests.length; at = next++)
      answers[at] = await send(port, requests[at]?.text ?? '');
  };
  await Promise.all(Array.from({ length: AT_ONCE }, lane));
  return answers;
}

const hasNginx = spawnSync('nginx', ['-v']).error === undefined;
if (!hasNginx) console.log('hostile.test.ts: compared with nginx only where nginx is installed');

const requests = hostileRequests();
let bed: Testbed;
let ours: Witness;
let answers: number[][];
beforeAll(async () => {
  bed = await new Testbed().listen();
  ours = await new Witness().listen();
  bed.route([{ dynoId: 'witness', name: 'web.1', address: { host: '127.0.0.1', port: ours.port } }]);
  answers = await sendAll(bed.port, requests);
});
afterAll(async () => {
  await bed.close();
  ours.close();
});

/** What a witness understood of each request, in order. */
function byRequest(witness: Witness): Understood[][] {
  const lists: Understood[][] = requests.map(() => []);
  for (const each of witness.seen) lists[Number(each.id)]?.push(each);
  return lists;
}

test('the dyno understands as many requests as the router answered for it, and none that was refused', () => {
  expect(requests.length).toBeGreaterThanOrEqual(300);
  const seen = byRequest(ours);
  const wrong: string[] = [];
  for (const [index, request] of requests.entries()) {
    const served = (answers[index] ?? []).filter((status) => status === 200).length;
    const understood = seen[index] ?? [];
    if (served !== understood.length)
      wrong.push(`${request.name}: ${served} served, understood ${JSON.stringify(understood)}`);
  }
  expect(wrong).toEqual([]);
  expect(ours.seen.filter((each) => each.id === 'none')).toEqual([]);
});

test('a refused request ends its connection: nothing behind it is served', () => {
  const wrong = requests
    .map((request, index) => ({ name: request.name, answer: answers[index] ?? [] }))
    .filter(({ answer }) => answer.includes(400) && answer.lastIndexOf(200) > answer.indexOf(400));
  expect(wrong).toEqual([]);
});

test('the router serves on behind all of it', async () => {
  bed.route([await bed.dyno((_incoming, response) => response.end('alive'))]);
  expect((await bed.ask('/')).body).toBe('alive');
});

/** nginx as a proxy in front of a witness; `close` ends it. */
async function startNginx(target: number): Promise<{ port: number; close: () => Promise<void> }> {
  const folder = await mkdtemp(join(tmpdir(), 'slipway-nginx-'));
  const { port } = (await deadBackend()).address;
  const paths = ['client_body', 'proxy', 'fastcgi', 'uwsgi', 'scgi'].map(
    (it) => `${it}_temp_path ${folder}/${it};`,
  );
  await writeFile(
    join(folder, 'nginx.conf'),
    `daemon off; master_process off; pid ${folder}/pid; error_log ${folder}/error.log;
     events {} http { access_log off; ${paths.join(' ')}
     server { listen 127.0.0.1:${port}; location / { proxy_pass http://127.0.0.1:${target};
     proxy_http_version 1.1; proxy_set_header Connection ""; proxy_set_header Host $host; proxy_request_buffering off; } } }`,
  );
  const child: ChildProcess = spawn('nginx', ['-p', folder, '-c', join(folder, 'nginx.conf')], {
    stdio: 'ignore',
  });
  await until(
    () =>
      new Promise((resolve) => {
        const socket = connect(port, '127.0.0.1', () => resolve(true)).on('error', () => resolve(false));
        socket.on('connect', () => socket.destroy());
      }),
  );
  return {
    port,
    async close() {
      const ended = new Promise((resolve) => child.once('exit', resolve));
      child.kill('SIGTERM');
      await ended;
      await rm(folder, { recursive: true, force: true });
    },
  };
}

/** Where we take what nginx refuses, or understand it in another way: harmless each, for the reason given. */
const KNOWN: readonly (readonly [RegExp, string])[] = [
  [/^"(Content-Length|Transfer-Encoding):\\t/, 'a tab is white space like any other (RFC 9110, 5.6.3)'],
  [/^"GET \/(\.\.|%00)/, 'a path is the business of the dyno: nginx looks at it as the name of a file'],
];

test.skipIf(!hasNginx)('what passes is understood as behind nginx', async () => {
  const witness = await new Witness().listen();
  const nginx = await startNginx(witness.port);
  let theirs: number[][];
  try {
    theirs = await sendAll(nginx.port, requests);
    await pause(LOOKS * LOOK_MS);
  } finally {
    await nginx.close();
    witness.close();
  }
  const [our, their] = [byRequest(ours), byRequest(witness)];
  const wrong: string[] = [];
  for (const [index, request] of requests.entries()) {
    const mine = our[index] ?? [];
    if (mine.length === 0 || KNOWN.some(([pattern]) => pattern.test(request.name))) continue;
    const other = their[index] ?? [];
    if (JSON.stringify(mine) !== JSON.stringify(other))
      wrong.push(
        `${request.name}: ours ${JSON.stringify(mine)} nginx ${JSON.stringify(theirs[index])} ${JSON.stringify(other)}`,
      );
  }
  expect(wrong).toEqual([]);
});
