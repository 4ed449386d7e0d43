import type { DynoInstance } from '../runtime/runtime.ts';
import type { DynoManagerOptions } from './context.ts';
import type { DynoRecord } from './dyno-table.ts';

/** How long the last output of a dyno that ended is waited for when none comes, in milliseconds. */
const OUTPUT_GRACE = 2_000;
/** Longest wait for it however much there is, in milliseconds: a dyno that ends in a flood shall start again some time. */
const OUTPUT_LIMIT = 60_000;

interface Following {
  readonly follow: Disposable;
  readonly ended: Promise<void>;
  /** Time of the steady clock when output last came. */
  lastByteAt: number;
}

/** The ways of all dynos' output into the log. */
export class DynoOutputs {
  private readonly options: DynoManagerOptions;
  private readonly open = new Map<string, Following>();

  constructor(options: DynoManagerOptions) {
    this.options = options;
  }

  /** Begins to read, or goes on where an engine before this one stopped. */
  follow(record: DynoRecord, instance: DynoInstance): void {
    const { sink, after } = this.options.openOutput(record.appId, record.id, record.name);
    const { promise: ended, resolve } = Promise.withResolvers<void>();
    const { clock } = this.options;
    const follow = this.options.runtime.followOutput(
      instance.id,
      {
        onBytes: (stream, bytes, at, position) => {
          const following = this.open.get(record.id);
          if (following !== undefined) following.lastByteAt = clock.steady();
          sink.onBytes(stream, bytes, at, position);
        },
        onEnd: () => {
          sink.onEnd();
          resolve();
        },
      },
      after,
    );
    this.open.set(record.id, { follow, ended, lastByteAt: clock.steady() });
  }

  /** Resolves when all that a dyno printed is in the log, when nothing comes any more, or after a bounded time. */
  async untilRead(id: string): Promise<void> {
    const { clock } = this.options;
    const following = this.open.get(id);
    if (following === undefined) return;
    let over = false;
    const ended = following.ended.then(() => (over = true));
    for (const limit = clock.steady() + OUTPUT_LIMIT; !over && clock.steady() < limit; ) {
      const asked = clock.steady();
      await Promise.race([ended, new Promise<void>((done) => clock.after(OUTPUT_GRACE, done))]);
      if (following.lastByteAt < asked) return;
    }
  }

  /** Stops reading. */
  drop(id: string): void {
    this.open.get(id)?.follow[Symbol.dispose]();
    this.open.delete(id);
  }

  close(): void {
    for (const id of [...this.open.keys()]) this.drop(id);
  }
}
