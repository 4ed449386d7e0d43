import { once } from 'node:events';
import { readdirSync } from 'node:fs';
import { type AddressInfo, connect, createServer, type Socket } from 'node:net';
import { afterEach, beforeEach, describe, expect, test } from 'vitest';
import { alarmsBy } from './alarm.ts';
import { Poller } from './poller.ts';
import { descriptorOf, rawHandleOf } from './raw-stream.ts';
import { SYSTEM_CALLS, type SystemCalls } from './system-calls.ts';
import { pause, until } from './testbed.ts';
import { Wire } from './wire.ts';

const linux = process.platform === 'linux';
if (!linux) console.log('Not on Linux: there is no epoll, so the tests of the poller are skipped.');

const ends: (() => void)[] = [];
afterEach(() => {
  for (const end of ends.splice(0)) end();
});

/** Both ends of a connection; nobody reads the first one. */
async function pair(): Promise<{ readonly near: Socket; readonly far: Socket; readonly descriptor: number }> {
  const server = createServer({ pauseOnConnect: true }).listen(0, '127.0.0.1');
  await once(server, 'listening');
  const far = connect((server.address() as AddressInfo).port, '127.0.0.1');
  const [near] = (await once(server, 'connection')) as [Socket];
  server.close();
  for (const socket of [near, far]) {
    socket.on('error', () => undefined);
    ends.push(() => socket.destroy());
  }
  return { near, far, descriptor: descriptorOfSocket(near) };
}

function descriptorOfSocket(socket: Socket | undefined): number {
  const handle = socket === undefined ? null : rawHandleOf(socket);
  return handle === null ? -1 : descriptorOf(handle);
}

describe.runIf(linux)('the poller', () => {
  let calls: SystemCalls;
  let poller: Poller;
  let alarms: (() => void)[];
  beforeEach(() => {
    const open = SYSTEM_CALLS === null ? null : alarmsBy(SYSTEM_CALLS);
    if (SYSTEM_CALLS === null || open === null) throw new Error('koffi is not installed');
    calls = SYSTEM_CALLS;
    alarms = [];
    poller = new Poller(calls, (descriptor, onAlarm) => {
      alarms.push(onAlarm);
      return open(descriptor, onAlarm);
    });
  });

  /** Reads all that there is, as text. */
  const read = (descriptor: number): string => {
    const bytes = Buffer.alloc(1000);
    const length = calls.receive(descriptor, calls.addressOf(bytes), bytes.length, 0);
    return bytes.toString('latin1', 0, Math.max(0, length));
  };
  const reader = (descriptor: number, heard: string[], name = '') => ({
    onReadable: () => void heard.push(name + read(descriptor)),
    onOver: () => void heard.push(`${name}over`),
  });

  test('tells when bytes come, again when more come, and of the end', async () => {
    const { far, descriptor } = await pair();
    const heard: string[] = [];
    poller.add(descriptor, reader(descriptor, heard));
    await pause(30);
    expect(heard).toEqual([]);
    far.write('one');
    await until(() => heard.length === 1);
    await pause(30);
    far.write('two');
    await until(() => heard.length === 2);
    far.end();
    await until(() => heard.length === 3);
    expect(heard).toEqual(['one', 'two', 'over']);
  });

  test('has told of what was there before it was asked', async () => {
    const { far, descriptor } = await pair();
    far.write('early');
    await pause(30);
    const heard: string[] = [];
    poller.add(descriptor, reader(descriptor, heard));
    await until(() => heard.length === 1);
    expect(heard).toEqual(['early']);
  });

  test('an error of one reader does not cost another one its event', async () => {
    const [first, second] = [await pair(), await pair()];
    const heard: string[] = [];
    const failing = {
      onReadable: () => {
        throw new Error('a reader’s fault');
      },
      onOver: () => undefined,
    };
    first.far.write('1');
    second.far.write('2');
    await pause(30);
    poller.add(first.descriptor, failing);
    poller.add(second.descriptor, reader(second.descriptor, heard));
    // Both are there before it looks.
    expect(() => {
      for (const alarm of alarms) alarm();
    }).toThrow('a reader’s fault');
    expect(heard).toEqual([]);
    await until(() => heard.length === 1);
    expect(heard).toEqual(['2']);
  });

  test('a reader that did not read all is told again', async () => {
    const { far, descriptor } = await pair();
    const heard: string[] = [];
    const slow = {
      onReadable: () => {
        const byte = Buffer.alloc(1);
        if (calls.receive(descriptor, calls.addressOf(byte), 1, 0) !== 1) return;
        heard.push(String(byte));
        poller.again(slow);
      },
      onOver: () => undefined,
    };
    poller.add(descriptor, slow);
    far.write('abc');
    await until(() => heard.length === 3);
    expect(heard).toEqual(['a', 'b', 'c']);
  });

  test('who leaves late does not take the descriptor from its next owner', async () => {
    const { far, descriptor } = await pair();
    const heard: string[] = [];
    const late = reader(descriptor, heard, 'late ');
    poller.add(descriptor, late);
    poller.remove(descriptor, late, false);
    poller.add(descriptor, reader(descriptor, heard, 'next '));
    poller.add(-1, late);
    poller.remove(descriptor, late, true);
    far.write('hello');
    await until(() => heard.length === 1);
    expect(heard).toEqual(['next hello']);
  });

  test('what is no descriptor is not watched', () => {
    expect(poller.add(-1, reader(-1, []))).toBe(false);
  });
});

describe('a wire', () => {
  const nobody = {
    onBytes: () => undefined,
    onEnd: () => undefined,
    onClose: () => undefined,
    onDrain: () => undefined,
  };

  test('that Node has closed writes nothing to the next owner of its descriptor', async () => {
    let got = '';
    const server = createServer((socket) => socket.on('data', (chunk: Buffer) => (got += chunk.toString())));
    server.listen(0, '127.0.0.1');
    ends.push(() => server.close());
    await once(server, 'listening');
    const { near, descriptor } = await pair();
    const wire = Wire.accept(near, nobody);
    near.destroy();
    const { port } = server.address() as AddressInfo;
    const others = Array.from({ length: 20 }, () => connect(port, '127.0.0.1'));
    ends.push(...others.map((socket) => () => void socket.destroy()));
    // One of them has a descriptor from here on, and nobody has been told that the other one is closed.
    await new Promise<void>((resolve) => {
      process.nextTick(resolve);
    });
    const next = others.find((socket) => descriptorOfSocket(socket) === descriptor) ?? others[0];
    if (linux) expect(descriptorOfSocket(next)).toBe(descriptor);
    wire.text('not for you');
    wire.flush();
    next?.write('for you');
    await until(() => got !== '');
    expect(got).toBe('for you');
  });

  test('reads in the order of the bytes when it pauses and goes on, and hears the end behind them', async () => {
    const { near, far } = await pair();
    let got = '';
    let ended = '';
    const wire = Wire.accept(near, {
      ...nobody,
      onBytes: (buffer, length) => {
        got += buffer.toString('latin1', 0, length);
        wire.pause();
        setTimeout(() => {
          wire.resume();
        }, 1);
      },
      onEnd: () => (ended = got),
    });
    const all = Array.from({ length: 60_000 }, (_, index) => `${index},`).join('');
    far.end(all);
    await until(() => ended !== '');
    expect(ended).toBe(all);
  });

  test('a reset is an error with its code', async () => {
    const { near, far } = await pair();
    let closed = false;
    const wire = Wire.accept(near, { ...nobody, onClose: () => (closed = true) });
    far.resetAndDestroy();
    await until(() => closed);
    expect(wire.errorCode).toBe('ECONNRESET');
  });

  test('leaves no descriptor open', async () => {
    const open = (): number => readdirSync('/proc/self/fd').length;
    const before = linux ? open() : 0;
    for (let round = 0; round < 20; round++) {
      const { near, far } = await pair();
      const wire = Wire.accept(near, nobody);
      wire.text('bye');
      wire.end();
      far.destroy();
      wire.destroy();
    }
    if (linux) await until(() => open() <= before);
  });
});
