import { createHash, randomUUID } from 'node:crypto';
import { Readable } from 'node:stream';
import { setTimeout as sleep } from 'node:timers/promises';
import type {
  BuildBox,
  DynoInstance,
  DynoSpec,
  OutputPosition,
  OutputSink,
  Runtime,
  SlugPart,
  SlugRef,
} from '#engine/runtime/runtime.ts';
import { findSize } from '#shared/model/size.ts';
import { pack } from 'tar-stream';

/** A runtime under test, over state of its own. */
export interface RuntimeWorld {
  readonly runtime: Runtime;
  /** A second runtime over the same state, as a new engine would make after a crash of the first. The caller closes it. */
  reopen(): Promise<Runtime>;
  /** Checks that no process, container or folder of a one-off dyno of the app is there. @throws Error that names what is */
  nothingLeftOf(appId: string): Promise<void>;
  /** Lets go of everything and removes the state. */
  close(): Promise<void>;
}

export const STACK = 'slipway-13';

/** Limit of one test in milliseconds; a deadline for broken code, nothing is measured with it. */
export const LIMIT = 60_000;

/** An entry of a source tree. */
export interface SourceEntry {
  readonly name: string;
  readonly content?: string;
  readonly mode?: number;
  readonly link?: string;
}

/** An identifier that no other run has. */
export function freshId(prefix: string): string {
  return `${prefix}-${randomUUID().slice(0, 13)}`;
}

/** The entries as a tar stream, as `putSource` wants it. */
export function sourceTar(entries: readonly SourceEntry[]): Readable {
  const tar = pack();
  for (const { name, content, mode, link } of entries) {
    if (link !== undefined) tar.entry({ name, type: 'symlink', linkname: link });
    else if (name.endsWith('/')) tar.entry({ name, type: 'directory', mode: mode ?? 0o755 });
    else tar.entry({ name, mode: mode ?? 0o644 }, content ?? '');
  }
  tar.finalize();
  return Readable.from(tar);
}

/** A signal that never comes. */
export const never = new AbortController().signal;

/** Opens a build box with no buildpacks. */
export function openBox(runtime: Runtime, appId: string, clearCache = false): Promise<BuildBox> {
  return runtime.openBuild(
    { buildId: freshId('build'), appId, stack: STACK, buildpacks: [], clearCache },
    never,
  );
}

/** Runs a script and gives its exit code and all it wrote. */
export async function script(
  box: BuildBox,
  text: string,
  env?: Record<string, string>,
): Promise<{ code: number; output: string }> {
  const chunks: Buffer[] = [];
  const code = await box.run(text, {
    onOutput: (chunk) => chunks.push(chunk),
    signal: never,
    ...(env === undefined ? {} : { env }),
  });
  return { code, output: Buffer.concat(chunks).toString() };
}

/** What a box packed: keys in order, and the bytes of those that were not known. */
export async function packed(
  box: BuildBox,
  known: ReadonlySet<string> = new Set(),
): Promise<Map<string, Buffer | null>> {
  const parts = new Map<string, Buffer | null>();
  for await (const part of box.pack(known)) {
    parts.set(part.key, part.bytes === null ? null : await readAll(part.bytes));
  }
  return parts;
}

/** All bytes of a stream. */
export async function readAll(stream: Readable): Promise<Buffer> {
  const chunks: Buffer[] = [];
  for await (const chunk of stream) chunks.push(chunk as Buffer);
  return Buffer.concat(chunks);
}

/** A slug in memory that counts how often its archive was opened. */
export interface TestSlug extends SlugRef {
  readonly archive: Buffer;
  opened: number;
}

/** A slug from packed parts. */
export function slugOf(appId: string, parts: ReadonlyMap<string, Buffer | null>): TestSlug {
  const pieces: SlugPart[] = [];
  const buffers: Buffer[] = [];
  let offset = 0;
  for (const [key, bytes] of parts) {
    if (bytes === null) throw new Error(`part ${key} has no bytes`);
    pieces.push({ key, offset, length: bytes.length });
    buffers.push(bytes);
    offset += bytes.length;
  }
  const archive = Buffer.concat(buffers);
  const slug: TestSlug = {
    id: freshId('slug'),
    appId,
    stack: STACK,
    sha256: createHash('sha256').update(archive).digest('hex'),
    parts: pieces,
    images: null,
    archive,
    opened: 0,
    verify: () => Promise.resolve(),
    open(part) {
      slug.opened += 1;
      return Readable.from([
        part === undefined ? archive : archive.subarray(part.offset, part.offset + part.length),
      ]);
    },
  };
  return slug;
}

/** Builds a slug from a source tree, without any buildpack. */
export async function buildSlug(
  runtime: Runtime,
  appId: string,
  entries: readonly SourceEntry[],
): Promise<TestSlug> {
  const box = await openBox(runtime, appId);
  try {
    await box.putSource(sourceTar(entries));
    return slugOf(appId, await packed(box));
  } finally {
    await box.close();
  }
}

/** What a test says of a dyno; the rest has defaults. */
export interface DynoOrder {
  readonly slug: SlugRef;
  readonly command: string;
  readonly env?: Record<string, string>;
  readonly name?: string;
  /** Name of its size. */
  readonly size?: string;
}

/** Stages the slug and starts a dyno from it. */
export async function startDyno(runtime: Runtime, order: DynoOrder): Promise<DynoInstance> {
  const size = findSize(order.size ?? 'Standard-1X');
  if (size === undefined) throw new Error(`no size ${order.size ?? ''}`);
  const name = order.name ?? 'web.1';
  await runtime.stage(order.slug, never);
  const spec: DynoSpec = {
    id: freshId('dyno'),
    appId: order.slug.appId,
    appName: 'contract-app',
    name,
    type: name.slice(0, name.indexOf('.')),
    release: 3,
    slug: order.slug,
    command: order.command,
    env: { ...order.env, DYNO: name },
    size,
  };
  return runtime.startDyno(spec);
}

/** Gathers a dyno's output. */
export class Output implements OutputSink, Disposable {
  readonly stdout: Buffer[] = [];
  readonly stderr: Buffer[] = [];
  /** Position behind each piece, in the order they came. */
  readonly pieces: { stream: 'stdout' | 'stderr'; bytes: Buffer; at: number; position: OutputPosition }[] =
    [];
  readonly ended: Promise<void>;
  private resolveEnd: () => void = () => undefined;
  private readonly follow: Disposable;

  constructor(runtime: Runtime, id: string, after?: OutputPosition) {
    this.ended = new Promise((resolve) => {
      this.resolveEnd = resolve;
    });
    this.follow = runtime.followOutput(id, this, after);
  }

  onBytes(stream: 'stdout' | 'stderr', bytes: Buffer, at: number, position: OutputPosition): void {
    const copy = Buffer.from(bytes);
    this[stream].push(copy);
    this.pieces.push({ stream, bytes: copy, at, position });
  }

  onEnd(): void {
    this.resolveEnd();
  }

  text(stream: 'stdout' | 'stderr' = 'stdout'): string {
    return Buffer.concat(this[stream]).toString();
  }

  [Symbol.dispose](): void {
    this.follow[Symbol.dispose]();
  }
}

/** Output of a dyno that ends by itself. */
export async function outputOf(runtime: Runtime, order: DynoOrder): Promise<Output> {
  const dyno = await startDyno(runtime, order);
  const output = new Output(runtime, dyno.id);
  await output.ended;
  await runtime.removeDyno(dyno.id);
  return output;
}

/** Waits until `check` holds. @throws Error naming `what` when it does not within the deadline */
export async function until(
  what: string,
  check: () => boolean | Promise<boolean>,
  deadline = 30_000,
): Promise<void> {
  const end = Date.now() + deadline;
  while (!(await check())) {
    if (Date.now() > end) throw new Error(`still waiting for: ${what}`);
    await sleep(20);
  }
}
