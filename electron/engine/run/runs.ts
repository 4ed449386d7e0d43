import { randomUUID } from 'node:crypto';
import { SlipwayError } from '#shared/errors.ts';
import type { RunEvent } from '#shared/model/run.ts';
import { DEFAULT_SIZE } from '#shared/model/size.ts';
import { dynoSpec } from '../dyno/lifecycle.ts';
import type { RunSpec } from '../runtime/run-terminal.ts';
import { RuntimeError, type SlugRef } from '../runtime/runtime.ts';
import type { AppRow, SlugRow } from '../store/rows.ts';
import type { Store } from '../store/store.ts';
import { expandCommand, pickRunName } from './command.ts';
import { runLine } from './lines.ts';
import { OneOff, type OneOffContext, type RunTimers } from './one-off.ts';

/** Most one-off dynos of an app at a time. */
const MAX_RUNS = 50;
/** Type of terminal that programs in it may count on. */
const TERM = 'xterm-256color';

/** Times of the platform (reference: heroku-platform 3.2). */
export const RUN_TIMERS: RunTimers = { life: 24 * 3_600_000, hangUp: 10_000, exit: 30_000 };

/** What the one-off dynos need of the rest of the engine. */
export interface RunsOptions extends OneOffContext {
  readonly store: Store;
  /** The slug as runtimes want it. */
  slugRef(slug: SlugRow): SlugRef;
  /** Writes an `app[api]` line. */
  apiLog(appId: string, text: string): void;
}

/** What a client wants to run, and the size of its terminal in characters. */
export interface RunOrder {
  readonly command: string;
  readonly columns: number;
  readonly rows: number;
}

/** One-off dynos: `heroku run` (reference: heroku-platform 3.10). None of them outlives its client or the engine. */
export class Runs {
  private readonly options: RunsOptions;
  private readonly running = new Map<string, OneOff>();
  private closed = false;

  constructor(options: RunsOptions) {
    this.options = options;
  }

  /**
   * Runs a command in a one-off dyno of the app's current release. Leaving the loop, or the signal, ends the dyno.
   * @throws SlipwayError `no_release` when the app has no code, `limit_reached`, `runtime_unavailable`, or `unavailable` when it
   *   cannot be started
   */
  async *open(
    app: AppRow,
    order: RunOrder,
    { user, signal }: { readonly user: string; readonly signal: AbortSignal },
  ): AsyncIterable<RunEvent> {
    const spec = this.specOf(app, order);
    this.options.apiLog(app.id, runLine.ordered(order.command, user));
    const run = new OneOff(this.options, spec);
    this.running.set(spec.id, run);
    void run.finished.then(() => this.running.delete(spec.id));
    try {
      yield* run.events(signal);
    } catch (error) {
      throw asSlipwayError(error);
    }
  }

  /** Types into a one-off dyno; calls keep their order. @throws SlipwayError `not_found` when it has ended */
  async input(id: string, text: string): Promise<void> {
    await this.find(id).write(text).catch(fail);
  }

  /** Sets the size of a terminal in characters. @throws SlipwayError `not_found` when it has ended */
  async resize(id: string, columns: number, rows: number): Promise<void> {
    await this.find(id).resize(columns, rows).catch(fail);
  }

  /** Ids of the slugs that they run from. */
  slugsInUse(): string[] {
    return [...this.running.values()].map((run) => run.spec.slug.id);
  }

  /** Ends those of an app that is being destroyed, at once, and waits for it. */
  async abandon(appId: string): Promise<void> {
    const own = [...this.running.values()].filter((run) => run.spec.appId === appId);
    for (const run of own) run.abandon();
    await Promise.all(own.map((run) => run.finished));
  }

  /** Ends all, as when their clients leave, and waits for it. */
  async close(): Promise<void> {
    this.closed = true;
    const all = [...this.running.values()];
    for (const run of all) run.leave();
    await Promise.all(all.map((run) => run.finished));
  }

  private find(id: string): OneOff {
    const run = this.running.get(id);
    if (run !== undefined) return run;
    throw new SlipwayError(
      'not_found',
      `There is no one-off dyno ${id}: it has ended. Run the command again.`,
    );
  }

  private specOf(app: AppRow, { command, columns, rows }: RunOrder): RunSpec {
    const { store, clock } = this.options;
    if (this.closed)
      throw new SlipwayError('unavailable', 'The engine is going away. Start it and try again.');
    const release = store.currentRelease(app.id);
    const slug = release?.slugId == null ? null : store.findSlug(release.slugId);
    if (release === null || slug === null) {
      const advice = `Deploy it first: slipway deploy FOLDER --app ${app.name}.`;
      throw new SlipwayError('no_release', `${app.name} has no code yet, so nothing can run. ${advice}`);
    }
    const own = [...this.running.values()].filter((run) => run.spec.appId === app.id);
    const name = pickRunName(new Set(own.map((run) => run.spec.name)), clock.random());
    if (name === null || own.length >= MAX_RUNS) {
      const text = `${app.name} has ${own.length} one-off dynos already, the most there may be. End one of them first.`;
      throw new SlipwayError('limit_reached', text, { retryable: true });
    }
    const record = {
      ...{ id: randomUUID(), appId: app.id, name, type: 'run', release: release.version, size: DEFAULT_SIZE },
      command: expandCommand(command, slug.processTypes),
    };
    const told = app.options.dynoMetadata ? slug : null;
    const spec = dynoSpec({ record, appName: app.name, release, slug: this.options.slugRef(slug), told });
    return { ...spec, env: { TERM, ...spec.env }, columns, rows };
  }
}

function fail(error: unknown): never {
  throw asSlipwayError(error);
}

/** What a runtime throws, in words of the contract; anything else stays as it is. */
function asSlipwayError(error: unknown): unknown {
  if (!(error instanceof RuntimeError)) return error;
  const options = { cause: error };
  if (error.code === 'cancelled') return new SlipwayError('cancelled', error.message, options);
  if (error.code === 'unavailable')
    return new SlipwayError('runtime_unavailable', error.message, { ...options, retryable: true });
  return new SlipwayError('unavailable', error.message, options);
}
