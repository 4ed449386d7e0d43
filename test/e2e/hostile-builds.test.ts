import { execFileSync } from 'node:child_process';
import { mkdir, mkdtemp, open, readdir, rm, stat } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { createGzip } from 'node:zlib';
import { createWriteStream } from 'node:fs';
import { Readable } from 'node:stream';
import { pipeline } from 'node:stream/promises';
import { afterAll, afterEach, beforeAll, beforeEach, describe, expect, it } from 'vitest';
import { build, scripts, type WorkFolder, workFolder } from './support/buildpack.ts';
import { type Host, logLines, startHost } from './support/host.ts';

const APP = 'hostile';
const PROCFILE = { Procfile: 'worker: sleep 1000\n' };
const MB = 2 ** 20;
/** Programs of the system. */
const [MOUNT, UNMOUNT] = ['mount', 'umount'] as const;
/** Output of the talkative buildpack; `SLIPWAY_PRINTED_MB=1000` is the long form. */
const PRINTED_MB = Number(process.env['SLIPWAY_PRINTED_MB'] ?? 24);

let work: WorkFolder;
beforeEach(async () => {
  work = await workFolder();
});
afterEach(async () => {
  await work.remove();
});

describe('a build', () => {
  let host: Host;
  beforeAll(async () => {
    host = await startHost({ SLIPWAY_RUNTIME: 'process' });
  });
  afterAll(async () => {
    await host.stop();
  });
  beforeEach(async () => {
    await host.client.call('apps.create', { name: APP });
  });
  afterEach(async () => {
    await host.client.call('apps.destroy', { app: APP, confirm: APP });
  });

  const set = (...buildpacks: string[]): Promise<unknown> =>
    host.client.call('buildpacks.set', { app: APP, buildpacks });

  it('whose buildpack prints very much, lines without an end and what moves cursors goes on', async () => {
    const pack = await work.files(
      'pack',
      scripts(
        'Talking',
        `printf '\\033]0;title\\007\\033[2J\\033[32mgreen\\033[0m\\n'
head -c ${PRINTED_MB * MB} /dev/zero | tr '\\0' x
echo; yes 'line after line' | head -c ${PRINTED_MB * MB}
echo; echo "       the end"`,
      ),
    );
    const app = await work.files('app', PROCFILE);
    await set(pack);
    const { id } = await host.client.call('builds.start', {
      app: APP,
      source: { kind: 'folder', path: app },
    });
    let end = '';
    let size = 0;
    for await (const items of host.client.open('builds.output', { app: APP, build: id })) {
      for (const { text } of items) {
        if (size === 0) expect(text).not.toContain('\x1b]');
        size += text.length;
        end = (end + text).slice(-2_000);
      }
    }
    expect((await host.client.call('builds.get', { app: APP, build: id })).failure).toBeNull();
    expect(end).toContain('       the end\n');
    expect(size).toBeGreaterThan(Math.min(2 * PRINTED_MB, 150) * MB);
    const kept = await readdir(join(host.home, 'builds'));
    const sizes = await Promise.all(
      kept.map(async (name) => (await stat(join(host.home, 'builds', name))).size),
    );
    expect(sizes.reduce((sum, each) => sum + each, 0)).toBeLessThan(302 * MB);
    const lines = await logLines(host, APP, 5_000);
    expect(Math.max(...lines.map((line) => line.length))).toBeLessThan(10_200);
  });

  it('of a source with a file of more than 1 GB ends before it is read', async () => {
    const app = await work.files('app', PROCFILE);
    const file = await open(join(app, 'large'), 'w');
    await file.truncate(1_025 * MB);
    await file.close();
    const { build: done } = await build(host, APP, app);
    expect(done.failure).toMatchObject({ code: 'source_too_large' });
  });

  it('with a buildpack archive that is a bomb, or leads out, ends with the reason', async () => {
    const app = await work.files('app', PROCFILE);
    const bomb = join(work.path, 'bomb.tgz');
    const zeros = Readable.from(
      (function* () {
        const block = Buffer.alloc(MB);
        const head = execFileSync(
          'sh',
          ['-c', 'mkdir -p h/bin && : > h/bin/compile && tar -cf - h/bin/compile'],
          {
            cwd: work.path,
          },
        );
        yield head.subarray(0, 512);
        for (let at = 0; at < 700; at += 1) yield block;
      })(),
    );
    await pipeline(zeros, createGzip({ level: 1 }), createWriteStream(bomb));
    await set(`file://${bomb}`);
    expect((await build(host, APP, app)).build.failure).toMatchObject({
      code: 'buildpack_unavailable',
      message: expect.stringMatching(/larger than \d+ MB|more than .* GB/) as string,
    });
    const pack = await work.files('pack', scripts('Evil', 'true'));
    execFileSync('ln', ['-s', '/etc', join(pack, 'lib')]);
    execFileSync('tar', ['-C', pack, '-czf', join(work.path, 'evil.tgz'), '.']);
    await set(`file://${join(work.path, 'evil.tgz')}`);
    expect((await build(host, APP, app)).build.failure).toMatchObject({
      code: 'buildpack_unavailable',
      message: expect.stringContaining('"lib"') as string,
    });
    expect(await readdir(join(host.home, 'buildpacks', 'temporary'))).toEqual([]);
  });
});

describe('a build on a small disk', () => {
  const why = process.platform !== 'linux' || process.getuid?.() !== 0 ? 'it needs Linux and root' : null;
  if (why !== null) console.log(`a buildpack that fills the disk is not tested: ${why}`);

  it.skipIf(why !== null)('that writes until the disk is full is ended, and the next one works', async () => {
    const home = await mkdtemp(join(tmpdir(), 'slipway-small-'));
    execFileSync(MOUNT, ['-t', 'tmpfs', '-o', 'size=200m', 'slipway-small-disk', home]);
    try {
      const host = await startHost({ SLIPWAY_RUNTIME: 'process' }, join(home, 'data'));
      await mkdir(join(home, 'data'), { recursive: true });
      await host.client.call('apps.create', { name: APP });
      const pack = await work.files(
        'pack',
        scripts(
          'Filling',
          'n=0; while :; do n=$((n + 1)); dd if=/dev/zero of="$1/fill.$n" bs=1M count=10 2> /dev/null || sleep 0.1; done',
        ),
      );
      const good = await work.files('good', scripts('Good', 'true'));
      const app = await work.files('app', PROCFILE);
      await host.client.call('buildpacks.set', { app: APP, buildpacks: [pack] });
      const { build: full } = await build(host, APP, app);
      expect(full.failure).toMatchObject({ code: 'disk_full' });
      await host.client.call('buildpacks.set', { app: APP, buildpacks: [good] });
      expect((await build(host, APP, app)).build.failure).toBeNull();
      await host.kill();
    } finally {
      execFileSync(UNMOUNT, ['-l', home]);
      await rm(home, { recursive: true, force: true });
    }
  });
});
