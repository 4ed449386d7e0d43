import type { DynoInstance } from '../runtime/runtime.ts';
import type { DynoManagerOptions } from './context.ts';
import type { DynoRecord } from './dyno-table.ts';

/** Longest wait for the last output of a dyno that ended, in milliseconds. */
const OUTPUT_GRACE = 2_000;

/** The ways of all dynos' output into the log. */
export class DynoOutputs {
  private readonly options: DynoManagerOptions;
  private readonly open = new Map<string, { readonly follow: Disposable; readonly ended: Promise<void> }>();

  constructor(options: DynoManagerOptions) {
    this.options = options;
  }

  /** Begins to read, or goes on where an engine before this one stopped. */
  follow(record: DynoRecord, instance: DynoInstance): void {
    const { sink, after } = this.options.openOutput(record.appId, record.id, record.name);
    const { promise: ended, resolve } = Promise.withResolvers<void>();
    const follow = this.options.runtime.followOutput(
      instance.id,
      {
        onBytes: sink.onBytes.bind(sink),
        onEnd: () => {
          sink.onEnd();
          resolve();
        },
      },
      after,
    );
    this.open.set(record.id, { follow, ended });
  }

  /** Resolves when all that a dyno printed is in the log, or after a bounded time. */
  async untilRead(id: string): Promise<void> {
    const grace = new Promise<void>((done) => this.options.clock.after(OUTPUT_GRACE, done));
    await Promise.race([this.open.get(id)?.ended, grace]);
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
