import { type ChildProcess, spawn } from 'node:child_process';
import { once } from 'node:events';
import { mkdir, mkdtemp, readdir, readFile, rm, stat, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { Readable } from 'node:stream';
import { setTimeout as sleep } from 'node:timers/promises';
import { zstdCompressSync } from 'node:zlib';
import { pack } from 'tar-stream';
import { afterEach, beforeEach, expect, test } from 'vitest';
import { MemoryWatch } from '../../dyno/memory-watch.ts';
import { systemClock } from '../../util/clock.ts';
import type { DynoSpec, OutputPosition, SlugRef } from '../runtime.ts';
import { isAlive, parseIdentity } from './identity.ts';
import { createProcessRuntime, type ProcessRuntime } from './process-runtime.ts';
import { NO_TERMINAL } from './run-launch.ts';

let folder: string;
let runtime: ProcessRuntime;
const never = new AbortController().signal;

function open(): Promise<ProcessRuntime> {
  return createProcessRuntime({
    stateDir: join(folder, 'runtime'),
    downloadsDir: join(folder, 'downloads'),
    clock: systemClock,
    buildEnv: {},
    reasons: [],
  });
}

beforeEach(async () => {
  folder = await mkdtemp(join(tmpdir(), 'slipway-process-'));
  runtime = await open();
});
afterEach(async () => {
  for (const { id } of await runtime.listDynos()) await runtime.removeDyno(id);
  await runtime.close();
  await rm(folder, { recursive: true, force: true });
});

async function slug(files: Record<string, string> = { 'file.txt': 'content' }): Promise<SlugRef> {
  const tar = pack();
  for (const [name, content] of Object.entries(files)) tar.entry({ name: `./app/${name}` }, content);
  tar.finalize();
  const chunks: Buffer[] = [];
  for await (const chunk of tar) chunks.push(chunk as Buffer);
  const archive = zstdCompressSync(Buffer.concat(chunks));
  const part = { key: String(Math.random()), offset: 0, length: archive.length };
  const id = `slug-${String(Math.random())}`;
  return {
    id,
    appId: 'app',
    stack: 's',
    sha256: '',
    parts: [part],
    images: null,
    verify: () => Promise.resolve(),
    open: () => Readable.from([archive]),
  };
}

let serial = 0;

function order(from: SlugRef, command: string, env: Record<string, string> = {}): DynoSpec {
  serial += 1;
  const size = { name: 'Standard-1X', memoryMiB: 512, cpuShare: 1, maxProcesses: 256, maxDynos: 100 };
  const names = { id: `dyno-${String(serial)}`, appId: 'app', appName: 'test', name: 'web.1', type: 'web' };
  return { ...names, release: 1, slug: from, command, env: { ...env, DYNO: 'web.1' }, size };
}

/** All output of a dyno until its end. */
function outputOf(id: string, after?: OutputPosition, from: ProcessRuntime = runtime): Promise<string> {
  return new Promise((resolve) => {
    let text = '';
    from.followOutput(
      id,
      {
        onBytes: (_stream, bytes) => (text += bytes.toString()),
        onEnd: () => {
          resolve(text);
        },
      },
      after,
    );
  });
}

async function until(check: () => boolean | Promise<boolean>): Promise<void> {
  const end = Date.now() + 15_000;
  while (!(await check())) {
    if (Date.now() > end) throw new Error('waited too long');
    await sleep(20);
  }
}

const isGone = async (pid: number): Promise<boolean> => {
  const line = await readFile(`/proc/${String(pid)}/stat`, 'utf8').catch(() => ') Z');
  return / [ZX]/.test(line.slice(line.lastIndexOf(')') + 1));
};

test('config vars that steer bash and PATH do not keep the engine from learning the exit code', async () => {
  const env = { PATH: '/nowhere', BASH_ENV: '/nowhere/rc', IFS: '0123', SHELLOPTS: 'errexit:noexec' };
  const dyno = await runtime.startDyno(order(await slug(), 'echo hello; exit 6', env));
  await outputOf(dyno.id);
  expect((await runtime.listDynos())[0]?.exit?.code).toBe(6);
});

test("HOME and PORT are the platform's, whatever the config says", async () => {
  const dyno = await runtime.startDyno(
    order(await slug(), 'echo "$PORT|$HOME"', { PORT: '1', HOME: '/root' }),
  );
  expect(await outputOf(dyno.id)).toBe(
    `${String(dyno.port)}|${join(folder, 'runtime/dynos', dyno.id, 'app')}\n`,
  );
});

test.runIf(process.platform === 'linux')(
  'processes that left the group of their dyno end with it',
  async () => {
    const command = 'setsid sleep 600 & echo "$!"; exec sleep 600';
    const dyno = await runtime.startDyno(order(await slug(), command));
    const file = join(folder, 'runtime/dynos', dyno.id, 'stdout.log');
    await until(async () => (await readFile(file, 'utf8')).includes('\n'));
    const pid = Number(await readFile(file, 'utf8'));
    expect(await isGone(pid)).toBe(false);
    await runtime.removeDyno(dyno.id);
    await until(() => isGone(pid));
  },
);

test('processes that the command leaves behind end with it', async () => {
  const dyno = await runtime.startDyno(order(await slug(), 'sleep 600 & echo "$!"'));
  const pid = Number(await outputOf(dyno.id));
  expect(pid).toBeGreaterThan(1);
  await until(() => isGone(pid));
});

test.runIf(process.platform === 'linux')(
  'a process that has got the number of an ended dyno is not touched',
  async () => {
    const dyno = await runtime.startDyno(order(await slug(), 'exec sleep 600'));
    const place = join(folder, 'runtime/dynos', dyno.id);
    await until(
      async () => parseIdentity(await readFile(join(place, 'pid'), 'utf8').catch(() => '')) !== null,
    );
    await runtime.signalDyno(dyno.id, 'SIGKILL');
    await until(async () => (await runtime.listDynos())[0]?.exit !== null);
    const bystander = spawn('sleep', ['600'], { detached: true, stdio: 'ignore' });
    const line = (await readFile(join(place, 'pid'), 'utf8')).split('\n')[1] ?? '';
    await writeFile(join(place, 'pid'), `${String(bystander.pid)}\n${line}\n`);
    await rm(join(place, 'exit'));
    const next = await open();
    expect((await next.listDynos())[0]?.exit?.code).toBe(137);
    await next.signalDyno(dyno.id, 'SIGKILL');
    await next.removeDyno(dyno.id);
    await next.close();
    expect(await isGone(bystander.pid ?? 0)).toBe(false);
    bystander.kill('SIGKILL');
  },
);

test('isAlive knows a process, and another start time of the same number', async () => {
  const child = spawn(
    'bash',
    ['-c', 'read -r line < /proc/$$/stat; printf "%s\\n%s\\n" "$$" "$line"; read -r', 'x'],
    {
      stdio: ['pipe', 'pipe', 'ignore'],
    },
  );
  let text = '';
  child.stdout.on('data', (chunk) => (text += String(chunk)));
  await until(() => parseIdentity(text) !== null);
  const identity = parseIdentity(text);
  if (identity === null) throw new Error('no identity');
  expect(identity.pid).toBe(child.pid);
  expect(await isAlive(identity)).toBe(true);
  expect(await isAlive({ ...identity, started: '1' })).toBe(false);
  child.stdin.end();
  await once(child, 'exit');
  expect(await isAlive(identity)).toBe(false);
  for (const text of ['', '12', '12\n', 'x\ny\n', '12\nline']) expect(parseIdentity(text), text).toBeNull();
});

test('a dyno whose first process was killed has 137, also when the engine was away', async () => {
  const dyno = await runtime.startDyno(order(await slug(), 'exec sleep 600'));
  const place = join(folder, 'runtime/dynos', dyno.id, 'pid');
  await until(async () => parseIdentity(await readFile(place, 'utf8').catch(() => '')) !== null);
  await runtime.close();
  process.kill(-Number((await readFile(place, 'utf8')).split('\n')[0]), 'SIGKILL');
  runtime = await open();
  await until(async () => (await runtime.listDynos())[0]?.exit?.code === 137);
});

test('old output gives its space back, and readers go on behind it', async () => {
  const flood = 'head -c 40000000 /dev/zero | tr "\\0" "x" | fold -w 99; echo; echo "the end"';
  const dyno = await runtime.startDyno(order(await slug(), flood));
  let bytes = 0;
  let position = '';
  await new Promise<void>((resolve) => {
    runtime.followOutput(dyno.id, {
      onBytes: (_stream, piece, _at, place) => {
        bytes += piece.length;
        position = place;
      },
      onEnd: resolve,
    });
  });
  const file = join(folder, 'runtime/dynos', dyno.id, 'stdout.log');
  expect(bytes).toBe((await stat(file)).size);
  expect(position).toBe(`${String(bytes)}:0`);
  if (process.platform === 'linux') {
    await until(async () => (await stat(file)).blocks * 512 < 35_000_000);
    const rest = await outputOf(dyno.id);
    expect(rest.length).toBeLessThan(bytes);
    expect(rest.endsWith('the end\n')).toBe(true);
    expect(rest.includes('\0')).toBe(false);
  }
});

test('the parts that two slugs share are kept once, and until both are gone', async () => {
  const one = await slug();
  const two = { ...one, id: 'slug-two', open: () => Readable.from([Buffer.from('not needed')]) };
  await runtime.stage(one, never);
  await runtime.stage(two, never);
  await runtime.unstage(one.id);
  const dyno = await runtime.startDyno(order(two, 'cat file.txt'));
  expect(await outputOf(dyno.id)).toBe('content');
  await runtime.unstage(two.id);
  expect(await readdir(join(folder, 'runtime/parts'))).toEqual([]);
});

test('what is half made or damaged is swept', async () => {
  const state = join(folder, 'runtime');
  for (const path of ['dynos/half/app', 'builds/left/build', 'trash/old', 'cache/gone', 'parts/gone/0/app']) {
    await mkdir(join(state, path), { recursive: true });
  }
  await mkdir(join(state, 'dynos/damaged'));
  await writeFile(join(state, 'dynos/damaged/dyno.json'), '{"version":1');
  await writeFile(join(state, 'slugs/damaged.json'), '{');
  await runtime.sweep({ appIds: [], slugIds: [] });
  for (const part of ['dynos', 'builds', 'trash', 'cache', 'parts', 'slugs']) {
    expect(await readdir(join(state, part)), part).toEqual([]);
  }
});

test('destroyApp leaves no file of the app', async () => {
  const own = await slug();
  await runtime.startDyno(order(own, 'exec sleep 600'));
  const box = await runtime.openBuild(
    { buildId: 'b', appId: 'app', stack: 's', buildpacks: [], clearCache: false },
    never,
  );
  await box.close();
  await runtime.destroyApp('app', [own.id]);
  const left = await readdir(join(folder, 'runtime'), { recursive: true });
  expect(left.sort()).toEqual(['builds', 'cache', 'dynos', 'parts', 'runs', 'slugs', 'trash']);
});

test('ids that are no file names are refused', async () => {
  for (const id of ['../up', 'a/b', '', '.hidden']) {
    const spec = { buildId: id, appId: 'app', stack: 's', buildpacks: [], clearCache: false };
    await expect(runtime.openBuild(spec, never)).rejects.toThrow('cannot name a folder');
  }
});

test('dynos outlive an engine that is killed, and the next one serves on', async () => {
  const engine = spawn(process.execPath, ['--input-type=module-typescript', '-e', ENGINE], {
    cwd: import.meta.dirname,
    env: { ...process.env, FOLDER: folder },
    stdio: ['ignore', 'pipe', 'inherit'],
  });
  const dyno = await firstLine(engine);
  engine.kill('SIGKILL');
  await once(engine, 'exit');
  const found = (await runtime.listDynos()).find((each) => each.id === dyno);
  expect(found?.exit).toBeNull();
  const output = outputOf(dyno);
  await until(
    async () => (await readFile(join(folder, 'runtime/dynos', dyno, 'stdout.log'), 'utf8')) === 'ready\n',
  );
  const told = new Promise<number>((resolve) =>
    runtime.onExit((exit) => {
      resolve(exit.code);
    }),
  );
  await runtime.signalDyno(dyno, 'SIGTERM');
  expect(await told).toBe(33);
  expect((await output).split('\n')).toEqual(expect.arrayContaining(['ready', 'bye']));
}, 30_000);

const ENGINE = `
import { Readable } from 'node:stream';
import { zstdCompressSync } from 'node:zlib';
const { createProcessRuntime } = await import('./process-runtime.ts');
const { systemClock } = await import('../../util/clock.ts');
const folder = process.env.FOLDER;
const options = { stateDir: folder + '/runtime', downloadsDir: folder, clock: systemClock, buildEnv: {}, reasons: [] };
const runtime = await createProcessRuntime(options);
const archive = zstdCompressSync(Buffer.alloc(1024));
const part = { key: 'k', offset: 0, length: archive.length };
const slug = { id: 's', appId: 'app', stack: 's', sha256: '', parts: [part], images: null, open: () => Readable.from([archive]) };
const command = "trap 'echo bye; exit 33' TERM; echo ready; while :; do sleep 0.1; done";
const spec = { id: 'survivor', appId: 'app', appName: 'a', name: 'web.1', type: 'web', release: 1, slug, command, env: {} };
const dyno = await runtime.startDyno({ ...spec, size: { name: 'Standard-1X' } });
console.log(dyno.id);
setInterval(() => undefined, 1000);
`;

async function firstLine(child: ChildProcess): Promise<string> {
  if (child.stdout === null) throw new Error('no output');
  const [text] = (await once(child.stdout, 'data')) as [Buffer];
  return text.toString().trim();
}

test('where nothing gives terminals a one-off dyno has a pipe, and says so first', async () => {
  const own = await createProcessRuntime({
    ...{ stateDir: join(folder, 'other'), downloadsDir: join(folder, 'downloads'), clock: systemClock },
    ...{ buildEnv: {}, reasons: [], terminals: 'none' },
  });
  const command = 'echo to stderr >&2; read -r line; echo "got $line"; exit 5';
  const spec = { ...order(await slug(), command), columns: 91, rows: 33 };
  const terminal = await own.openRun(spec);
  let text = '';
  const reading = (async () => {
    for await (const bytes of terminal.output) text += bytes.toString();
  })();
  await terminal.write('input\n');
  await terminal.resize(80, 24);
  expect(await terminal.exited).toBe(5);
  await reading;
  expect(text).toBe(`${NO_TERMINAL}\nto stderr\ngot input\n`);
  await terminal.close();
  expect(await readdir(join(folder, 'other', 'runs'))).toEqual([]);
  await own.close();
});

test('a dyno that holds over twice its memory quota is found, and killed', async () => {
  const hold = `exec perl -e 'my $held = "x" x (96 << 20); sleep 600'`;
  const dyno = await runtime.startDyno(order(await slug(), hold));
  const found: string[] = [];
  const watch = new MemoryWatch({
    clock: { ...systemClock, after: (_ms, run) => systemClock.after(50, run) },
    running: () => [dyno],
    quotaOf: () => 40,
    memoryOf: () => runtime.memoryOf(),
    onOver: ({ id }, { code }) => {
      found.push(code);
      if (code === 'R15') void runtime.signalDyno(id, 'SIGKILL');
    },
    onProblem: (_what, error) => {
      throw error;
    },
  });
  watch.wake();
  await until(async () => (await runtime.listDynos())[0]?.exit?.code === 137);
  watch.close();
  expect(found.at(-1)).toBe('R15');
});
