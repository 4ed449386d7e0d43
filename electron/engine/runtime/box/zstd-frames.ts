import type { Readable } from 'node:stream';
import { createZstdDecompress } from 'node:zlib';

const MAGIC = 0xfd2fb528;
const SKIPPABLE = 0x184d2a50;

/**
 * Decompresses zstd data of any number of frames. Each frame gets a decompressor of its own, because the one of
 * Node stops without a word at the end of a frame when the next one begins in the same chunk.
 * Format: RFC 8878.
 * @throws Error when it is not zstd, ends in the middle, or a checksum is wrong
 */
export async function* decompressZstd(
  source: Readable | AsyncIterable<Buffer>,
): AsyncGenerator<Buffer, void, void> {
  const input = new Cursor(source);
  while (await nextFrame(input)) {
    const frame = createZstdDecompress({ chunkSize: 256 * 1024 });
    const feeding = feedFrame(input, (bytes) => write(frame, bytes)).then(
      () => frame.end(),
      (error: unknown) => frame.destroy(error as Error),
    );
    for await (const chunk of frame) yield chunk as Buffer;
    await feeding;
  }
}

type Write = (bytes: Buffer) => Promise<void>;

/** Skips frames that hold no data; false at the end. */
async function nextFrame(input: Cursor): Promise<boolean> {
  while (await input.has(1)) {
    const kind = (await input.peek(4)).readUInt32LE();
    if (kind === MAGIC) return true;
    if ((kind & 0xfffffff0) >>> 0 !== SKIPPABLE) throw new Error('this is not zstd data');
    const head = await input.take(8);
    await input.pass(head.readUInt32LE(4), () => Promise.resolve());
  }
  return false;
}

/** Hands exactly one frame to `put`. */
async function feedFrame(input: Cursor, put: Write): Promise<void> {
  const magic = await input.take(4);
  const descriptor = await input.take(1);
  const flags = descriptor[0] ?? 0;
  const single = (flags & 0x20) !== 0;
  const contentSize = [single ? 1 : 0, 2, 4, 8][flags >> 6] ?? 0;
  const dictionary = [0, 1, 2, 4][flags & 3] ?? 0;
  const rest = await input.take((single ? 0 : 1) + dictionary + contentSize);
  await put(Buffer.concat([magic, descriptor, rest]));
  for (let last = false; !last; ) {
    const head = await input.take(3);
    const value = head.readUIntLE(0, 3);
    last = (value & 1) === 1;
    await put(head);
    await input.pass(((value >> 1) & 3) === 1 ? 1 : value >> 3, put);
  }
  if ((flags & 4) !== 0) await put(await input.take(4));
}

function write(frame: NodeJS.WritableStream, bytes: Buffer): Promise<void> {
  return new Promise((resolve, reject) => {
    frame.write(bytes, (error) => {
      if (error) reject(error);
      else resolve();
    });
  });
}

/** Reads given numbers of bytes from a stream of chunks. */
class Cursor {
  private readonly chunks: AsyncIterator<Buffer>;
  private current: Buffer = Buffer.alloc(0);

  constructor(source: Readable | AsyncIterable<Buffer>) {
    this.chunks = (source as AsyncIterable<Buffer>)[Symbol.asyncIterator]();
  }

  /** True when that many bytes are left. */
  async has(bytes: number): Promise<boolean> {
    while (this.current.length < bytes) {
      const next = await this.chunks.next();
      if (next.done === true) return false;
      this.current = this.current.length === 0 ? next.value : Buffer.concat([this.current, next.value]);
    }
    return true;
  }

  /** The next bytes, which stay. */
  async peek(bytes: number): Promise<Buffer> {
    if (!(await this.has(bytes))) throw new Error('the zstd data ends in the middle');
    return this.current.subarray(0, bytes);
  }

  async take(bytes: number): Promise<Buffer> {
    const taken = await this.peek(bytes);
    this.current = this.current.subarray(bytes);
    return taken;
  }

  async pass(bytes: number, put: Write): Promise<void> {
    for (let left = bytes; left > 0; ) {
      if (!(await this.has(1))) throw new Error('the zstd data ends in the middle');
      const piece = await this.take(Math.min(left, this.current.length));
      left -= piece.length;
      await put(piece);
    }
  }
}
