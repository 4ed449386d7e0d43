import type { OutputPosition, OutputSink, Runtime } from '../runtime/runtime.ts';
import type { Clock } from '../util/clock.ts';

/** How long the last output of a dyno that ended is waited for when none comes, in milliseconds. */
const OUTPUT_GRACE = 2_000;
/** Longest wait for it however much there is, in milliseconds: a dyno that ends in a flood shall start again some time. */
const OUTPUT_LIMIT = 60_000;

/** What bringing a dyno's output into the log needs of the rest of the engine. */
export interface OutputContext {
  readonly runtime: Runtime;
  readonly clock: Clock;
  /** Opens the way of a dyno's output into the log; `after` is where an engine before this one stopped reading. */
  openOutput(
    appId: string,
    dynoId: string,
    name: string,
  ): { sink: OutputSink; after: OutputPosition | undefined };
  /** The dyno has ended and all its output is in the log. */
  forgetOutput(appId: string, dynoId: string): void;
}

/** The way of one dyno's output into the log, whatever kind of dyno it is; stops reading when it is disposed. */
export class DynoOutput implements Disposable {
  private readonly clock: Clock;
  private readonly follow: Disposable;
  private readonly ended: Promise<void>;
  /** Time of the steady clock when output last came. */
  private lastByteAt: number;

  /**
   * Begins to read, or goes on where an engine before this one stopped.
   * @param onBytes gets the output too, as it comes
   */
  constructor(
    context: OutputContext,
    dyno: { readonly id: string; readonly appId: string; readonly name: string },
    onBytes: (stream: 'stdout' | 'stderr', bytes: Buffer) => void = () => undefined,
  ) {
    const { runtime, clock } = context;
    const { sink, after } = context.openOutput(dyno.appId, dyno.id, dyno.name);
    const { promise: ended, resolve } = Promise.withResolvers<void>();
    this.clock = clock;
    this.ended = ended;
    this.lastByteAt = clock.steady();
    const reading: OutputSink = {
      onBytes: (stream, bytes, at, position) => {
        this.lastByteAt = clock.steady();
        sink.onBytes(stream, bytes, at, position);
        onBytes(stream, bytes);
      },
      onEnd: () => {
        sink.onEnd();
        resolve();
      },
    };
    this.follow = runtime.followOutput(dyno.id, reading, after);
  }

  /** Resolves when all that the dyno printed is in the log, when nothing comes any more, or after a bounded time. */
  async untilRead(): Promise<void> {
    const { clock } = this;
    let over = false;
    const ended = this.ended.then(() => (over = true));
    for (const limit = clock.steady() + OUTPUT_LIMIT; !over && clock.steady() < limit; ) {
      const asked = clock.steady();
      await Promise.race([ended, new Promise<void>((done) => clock.after(OUTPUT_GRACE, done))]);
      if (this.lastByteAt <= asked) return;
    }
  }

  [Symbol.dispose](): void {
    this.follow[Symbol.dispose]();
  }
}
