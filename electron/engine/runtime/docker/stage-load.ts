import { createHash } from 'node:crypto';
import { createReadStream, createWriteStream } from 'node:fs';
import { mkdir, rm } from 'node:fs/promises';
import { join } from 'node:path';
import { PassThrough, Readable } from 'node:stream';
import { buffer } from 'node:stream/consumers';
import { pipeline } from 'node:stream/promises';
import { createZstdDecompress } from 'node:zlib';
import tar from 'tar-stream';
import { loadImage } from './images.ts';
import type { SlugPart, SlugRef } from '../runtime.ts';
import { DYNO_UID } from './stack-recipe.ts';
import { type StagePlan, slugConfig } from './stage-plan.ts';

/** Unpacked parts above this size wait in a file instead of in memory. */
const MEMORY_BYTES = 8 * 1024 * 1024;

interface LoadPlan extends StagePlan {
  /** Digests of leading parts' layers that Docker has. */
  readonly shared: readonly string[];
}

interface Layer {
  readonly digest: string;
  readonly size: number;
  open(): Readable;
}

/**
 * Makes a slug's image by loading an image archive in which the layers that Docker has are left out. Faster than
 * unpacking in a container and committing it: every file is written once.
 * @returns digests of the layers of all parts
 */
export async function loadLayers(plan: LoadPlan, signal: AbortSignal): Promise<readonly string[]> {
  const folder = join(
    plan.folder,
    `stage-${createHash('sha256').update(plan.name).digest('hex').slice(0, 16)}`,
  );
  const layers: Layer[] = [];
  try {
    for (const [at, part] of plan.slug.parts.entries()) {
      if (at < plan.shared.length) continue;
      layers.push(await unpack(plan.slug, part, join(folder, String(at)), signal));
    }
    await send(plan, layers, signal);
    return [...plan.shared, ...layers.map((layer) => layer.digest)];
  } finally {
    await rm(folder, { recursive: true, force: true });
  }
}

/**
 * An entry for /app itself, in front of every layer: directories that a layer only implies belong to root, and archives
 * from elsewhere need not have one.
 */
async function appFolder(): Promise<Buffer> {
  const archive = tar.pack();
  archive.entry({
    name: 'app/',
    type: 'directory',
    mode: 0o755,
    uid: DYNO_UID,
    gid: DYNO_UID,
    mtime: new Date(0),
  });
  archive.finalize();
  return (await buffer(archive)).subarray(0, 512);
}

async function unpack(slug: SlugRef, part: SlugPart, path: string, signal: AbortSignal): Promise<Layer> {
  const hash = createHash('sha256');
  const chunks: Buffer[] = [];
  let size = 0;
  let file: PassThrough | null = null;
  let writing: Promise<void> = Promise.resolve();
  const take = async (chunk: Buffer): Promise<void> => {
    hash.update(chunk);
    size += chunk.length;
    if (file === null) chunks.push(chunk);
    if (file === null && size > MEMORY_BYTES) {
      await mkdir(join(path, '..'), { recursive: true });
      file = new PassThrough({ highWaterMark: MEMORY_BYTES });
      writing = pipeline(file, createWriteStream(path), { signal });
      writing.catch(() => undefined);
      for (const held of chunks.splice(0)) file.write(held);
    } else if (file !== null && !file.write(chunk)) {
      await Promise.race([new Promise((resolve) => file?.once('drain', resolve)), writing]);
    }
  };
  await take(await appFolder());
  await pipeline(
    slug.open(part),
    createZstdDecompress({ chunkSize: 256 * 1024 }),
    async (bytes) => {
      for await (const chunk of bytes) await take(chunk as Buffer);
    },
    { signal },
  );
  (file as PassThrough | null)?.end();
  await writing;
  const open = (): Readable =>
    file === null ? Readable.from(chunks) : createReadStream(path, { highWaterMark: 1024 * 1024 });
  return { digest: `sha256:${hash.digest('hex')}`, size, open };
}

async function send(plan: LoadPlan, layers: readonly Layer[], signal: AbortSignal): Promise<void> {
  const config = Buffer.from(JSON.stringify(imageConfig(plan, layers)));
  const configName = `${createHash('sha256').update(config).digest('hex')}.json`;
  const digests = [...plan.image.layers, ...plan.shared, ...layers.map((layer) => layer.digest)];
  const files = digests.map((_, at) => `${String(at)}/layer.tar`);
  const manifest = Buffer.from(
    JSON.stringify([{ Config: configName, RepoTags: [plan.name], Layers: files }]),
  );
  const archive = tar.pack();
  const output = Readable.from(archive as AsyncIterable<Buffer>, { objectMode: false });
  const loading = loadImage(plan.daemon, output, signal);
  loading.catch(() => {
    archive.destroy();
  });
  const filling = (async () => {
    for (const [at, layer] of layers.entries()) {
      const name = files[plan.image.layers.length + plan.shared.length + at] ?? '';
      const entry = archive.entry({ name, size: layer.size });
      await pipeline(layer.open(), entry, { signal });
    }
    archive.entry({ name: configName }, config);
    archive.entry({ name: 'manifest.json' }, manifest);
    archive.finalize();
  })();
  const [loaded, filled] = await Promise.allSettled([loading, filling]);
  if (loaded.status === 'rejected') throw loaded.reason;
  if (filled.status === 'rejected') throw filled.reason;
}

/** Configuration of a slug's image, in the form of image archives. */
function imageConfig(plan: LoadPlan, layers: readonly Layer[]): object {
  return {
    architecture: plan.image.architecture,
    os: 'linux',
    created: new Date().toISOString(),
    config: slugConfig(plan),
    rootfs: {
      type: 'layers',
      diff_ids: [...plan.image.layers, ...plan.shared, ...layers.map((layer) => layer.digest)],
    },
  };
}
