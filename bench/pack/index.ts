import { spawn } from 'node:child_process';
import { createCipheriv } from 'node:crypto';
import { mkdir, mkdtemp, rm, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { openSlugStore } from '#engine/slug/slug-store.ts';
import { packFolder } from '#engine/runtime/box/pack-folder.ts';
import type { BenchDefinition } from '../lib/definition.ts';

const SMALL_FILES = 10_000;
const BINARY_BYTES = 120 * 1024 * 1024;

/** A slug's archive, from folder to file on the disk, against the tools that everybody would use. */
export const bench: BenchDefinition = {
  title: `Archive of ${SMALL_FILES} small files and one of ${BINARY_BYTES / 2 ** 20} MB: seconds`,
  unit: 's',
  rounds: 7,
  goal: { kind: 'at-least', ratio: 0.9 },
  async open() {
    const root = await mkdtemp(join(tmpdir(), 'slipway-bench-pack-'));
    const tree = join(root, 'tree');
    await makeTree(tree);
    const slugs = join(root, 'slugs');
    await mkdir(slugs);
    return {
      ours: {
        name: 'slug archive',
        async round() {
          const started = performance.now();
          const packed = packFolder({ folder: tree, known: new Set(), byContent: new Set() });
          const { sha256 } = await openSlugStore(slugs).assemble(packed, new Map());
          const seconds = (performance.now() - started) / 1000;
          await openSlugStore(slugs).remove(sha256);
          return seconds;
        },
      },
      peer: {
        name: 'tar | zstd -1',
        async round() {
          const file = join(root, 'peer.tar.zst');
          const started = performance.now();
          await shell(`tar -cf - -C '${tree}' . | zstd -1 -q -o '${file}' && sync '${file}'`);
          const seconds = (performance.now() - started) / 1000;
          await rm(file);
          return seconds;
        },
      },
      close: () => rm(root, { recursive: true, force: true }),
    };
  },
};

/** Files that compress about as code and programs do; the same in every run. */
async function makeTree(tree: string): Promise<void> {
  for (let at = 0; at < SMALL_FILES; at += 1) {
    const folder = join(tree, 'node_modules', `package-${at % 250}`, 'lib');
    if (at < 250) await mkdir(folder, { recursive: true });
    const line = `export const value${at} = require('./module-${(at * 7919) % 997}').create({ name: 'item ${at}' });\n`;
    await writeFile(join(folder, `file-${at}.js`), line.repeat(5 + (at % 60)));
  }
  const cipher = createCipheriv('aes-256-ctr', Buffer.alloc(32, 7), Buffer.alloc(16));
  const random = cipher.update(Buffer.alloc(BINARY_BYTES / 3));
  await mkdir(join(tree, '.heroku', 'node', 'bin'), { recursive: true });
  await writeFile(
    join(tree, '.heroku', 'node', 'bin', 'node'),
    Buffer.concat([random, Buffer.alloc(BINARY_BYTES - random.length, 'code ')]),
  );
}

function shell(script: string): Promise<void> {
  return new Promise((resolve, reject) => {
    const child = spawn('bash', ['-o', 'pipefail', '-c', script], { stdio: ['ignore', 'ignore', 'inherit'] });
    child.on('error', reject);
    child.on('close', (code) => {
      if (code === 0) resolve();
      else reject(new Error(`${script} ended with ${code ?? 'a signal'}`));
    });
  });
}
