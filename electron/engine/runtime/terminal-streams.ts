import type { Readable, Writable } from 'node:stream';

/**
 * What a terminal shows, up to its end or until it is taken away. The stream rests while nobody asks for more, so what is kept is
 * bounded and the other side is held up.
 */
export async function* shown(stream: Readable): AsyncIterable<Buffer> {
  try {
    for await (const chunk of stream) yield chunk as Buffer;
  } catch {
    // It was taken away; how the command ended is told elsewhere.
  }
}

/** Types into a terminal, with one wait for room that all writers share. A terminal that is gone takes everything and keeps nothing. */
export class Keyboard {
  private readonly stream: Writable;
  private room: Promise<void> | null = null;

  constructor(stream: Writable) {
    this.stream = stream;
    stream.on('error', () => undefined);
  }

  /** Types text, in the order of the calls. Resolves when there is room for more, or the terminal is gone. */
  async type(text: string): Promise<void> {
    if (!this.stream.writable || this.stream.write(text)) return;
    this.room ??= new Promise((resolve) => {
      const done = (): void => {
        this.room = null;
        this.stream.off('drain', done).off('close', done);
        resolve();
      };
      this.stream.on('drain', done).on('close', done);
    });
    await this.room;
  }
}
