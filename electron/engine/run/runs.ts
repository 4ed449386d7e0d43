import { SlipwayError } from '#shared/errors.ts';
import type { Dyno } from '#shared/model/app.ts';
import { isRunName, type OneOffDyno, type RunEvent } from '#shared/model/run.ts';
import { line } from '../dyno/lines.ts';
import { MemoryWatch, quotaOf } from '../dyno/memory-watch.ts';
import type { DynoInstance } from '../runtime/runtime.ts';
import type { AppRow } from '../store/rows.ts';
import { Detached, type DetachedContext } from './detached.ts';
import { runLine } from './lines.ts';
import { OneOff, type OneOffOrder } from './one-off.ts';
import {
  asSlipwayError,
  insideDyno,
  insideSpec,
  MAX_RUNS,
  type OrderParts,
  ownDyno,
  type RunOrder,
  runSpec,
  type TerminalOrder,
  tooMany,
} from './orders.ts';
import { viewOfAttached, viewOfDetached } from './views.ts';

/** What the one-off dynos need of the rest of the engine. */
export interface RunsOptions extends Omit<DetachedContext, 'onOver'>, OrderParts {
  /** Dynos of the app's formation, as people see them. */
  dynos(appId: string): readonly Dyno[];
  /** Writes an `app[api]` line. */
  apiLog(appId: string, text: string): void;
}

/** A one-off dyno as its memory is looked after. */
interface WatchedRun {
  readonly id: string;
  readonly size: string;
  readonly run: OneOff | Detached;
}

interface Caller {
  readonly user: string;
  readonly signal: AbortSignal;
}

/**
 * One-off dynos: `heroku run` and `run:detached` (reference: heroku-platform 3.10), and commands inside dynos. What has a terminal does not
 * outlive its client or the engine; what has none is found again by the next engine.
 */
export class Runs {
  private readonly options: RunsOptions;
  /** On a terminal: one-off dynos and commands inside dynos, by id. */
  private readonly attached = new Map<string, OneOff>();
  private readonly detached = new Map<string, Detached>();
  private readonly subscriptions: Disposable[] = [];
  private readonly memory: MemoryWatch<WatchedRun>;
  private closed = false;

  constructor(options: RunsOptions) {
    this.options = options;
    this.memory = new MemoryWatch({
      clock: options.clock,
      running: () => this.watched(),
      quotaOf: ({ size }) => quotaOf(options.runtime, size),
      memoryOf: () => options.runtime.memoryOf(),
      onOver: ({ run }, finding) => {
        run.overQuota(finding);
      },
      onProblem: options.onProblem.bind(options),
    });
  }

  /**
   * Takes over the one-off dynos without a terminal that an engine before this one has left. To be called once.
   * @throws RuntimeError when the runtime cannot be asked for them
   */
  async resume(): Promise<void> {
    const { runtime, store, clock } = this.options;
    this.subscriptions.push(
      runtime.onExit((exit) => this.detached.get(exit.id)?.ended(exit)),
      runtime.onAvailability((state) => {
        if (state === 'back')
          this.look().catch((error: unknown) => this.options.onProblem('looking at one-off dynos', error));
      }),
    );
    const found = new Map((await this.found()).map((instance) => [instance.id, instance]));
    for (const row of store.runs()) {
      const instance = found.get(row.id);
      if (instance === undefined) {
        this.options.log(row.appId, row.name, runLine.lost());
        this.options.log(row.appId, row.name, line.changed('up', 'complete'));
        this.options.forgetOutput(row.appId, row.id);
        store.deleteRun(row.id);
        continue;
      }
      found.delete(row.id);
      const startedAt = Math.min(instance.startedAt, clock.now());
      this.add(new Detached(this.context(), instance, startedAt, row.endsAt)).adopt(instance);
    }
    // What had ended already when the engine before this one did.
    for (const { id, appId } of found.values()) {
      await runtime.removeDyno(id);
      this.options.forgetOutput(appId, id);
    }
  }

  /**
   * Runs a command on a terminal: in a one-off dyno of the app's current release, or inside a dyno. Leaving the loop, or the signal, ends it.
   * @throws SlipwayError `no_release` when the app has no code, `not_found` when the dyno does not run, `limit_reached`,
   *   `runtime_unavailable`, or `unavailable` when it cannot be started
   */
  async *open(app: AppRow, order: TerminalOrder, { user, signal }: Caller): AsyncIterable<RunEvent> {
    this.checkRoom(app);
    const made = this.orderOf(app, order);
    const { command, dyno } = order;
    const text =
      dyno === undefined ? runLine.ordered(command, user) : runLine.orderedInside(command, dyno, user);
    this.options.apiLog(app.id, text);
    const run = new OneOff(this.options, made);
    this.attached.set(made.id, run);
    this.memory.wake();
    this.options.onChange(app.id);
    void run.finished.then(() => {
      this.attached.delete(made.id);
      this.options.onChange(app.id);
    });
    try {
      yield* run.events(signal);
    } catch (error) {
      throw asSlipwayError(error);
    }
  }

  /**
   * Starts a command in a one-off dyno without a terminal, of the app's current release.
   * @throws SlipwayError as `open` does
   */
  async start(app: AppRow, order: RunOrder, user: string): Promise<OneOffDyno> {
    this.checkRoom(app);
    const { clock, store } = this.options;
    const spec = runSpec(this.options, app, order, this.names(app.id), clock.random());
    this.options.apiLog(app.id, runLine.ordered(order.command, user));
    const now = clock.now();
    const endsAt = now + this.lifeOf(order);
    // Before it starts: whatever happens then, the next engine knows of it.
    store.insertRun({ id: spec.id, appId: app.id, name: spec.name, endsAt });
    const run = this.add(new Detached(this.context(), { ...spec, size: spec.size.name }, now, endsAt));
    this.options.onChange(app.id);
    await run.start(spec).catch(fail);
    return viewOfDetached(run);
  }

  /** The one-off dynos of an app that run, oldest first. */
  list(appId: string): OneOffDyno[] {
    const own = [...this.attached.values()].filter(({ order }) => order.appId === appId && order.ownDyno);
    const others = [...this.detached.values()].filter(({ facts }) => facts.appId === appId);
    const all = [...own.map(viewOfAttached), ...others.map(viewOfDetached)];
    return all.sort((one, other) => one.startedAt.localeCompare(other.startedAt));
  }

  /** Ends a one-off dyno: SIGTERM, then SIGKILL. Does not wait for it. @throws SlipwayError `not_found` */
  stop(app: AppRow, name: string): void {
    const found = this.list(app.id).find((run) => run.name === name);
    const run = found && (this.attached.get(found.id) ?? this.detached.get(found.id));
    if (run === undefined) {
      const advice = isRunName(name)
        ? 'It has ended.'
        : 'Only one-off dynos are stopped; `scale` and `restart` are for the others.';
      throw new SlipwayError('not_found', `${app.name} has no one-off dyno ${name}. ${advice}`);
    }
    run.stop();
  }

  /** Types into a terminal; calls keep their order. @throws SlipwayError `not_found` when its command has ended */
  async input(id: string, text: string): Promise<void> {
    await this.find(id).write(text).catch(fail);
  }

  /** Sets the size of a terminal in characters. @throws SlipwayError `not_found` when its command has ended */
  async resize(id: string, columns: number, rows: number): Promise<void> {
    await this.find(id).resize(columns, rows).catch(fail);
  }

  /** Ids of the slugs that they run from. */
  slugsInUse(): string[] {
    const attached = [...this.attached.values()].map(({ order }) => order);
    const all = [...attached, ...[...this.detached.values()].map(({ facts }) => facts)];
    return all.flatMap(({ appId, release }) => this.options.store.findRelease(appId, release)?.slugId ?? []);
  }

  /** Ends those of an app that is being destroyed, at once, and waits for it. */
  async abandon(appId: string): Promise<void> {
    const attached = [...this.attached.values()].filter(({ order }) => order.appId === appId);
    const detached = [...this.detached.values()].filter(({ facts }) => facts.appId === appId);
    const own = [...attached, ...detached];
    for (const run of own) run.abandon();
    await Promise.all(own.map((run) => run.finished));
  }

  /**
   * Ends all that have a terminal, as when their clients leave, and waits for it.
   * @param others whether those without one stop as well, or go on until the next engine takes them over
   */
  async close(others: 'stop' | 'keep'): Promise<void> {
    this.closed = true;
    this.memory.close();
    const attached = [...this.attached.values()];
    const detached = [...this.detached.values()];
    for (const run of attached) run.leave();
    for (const run of detached) {
      if (others === 'stop') run.stop();
      else run.release();
    }
    await Promise.all([...attached, ...detached].map((run) => run.finished));
    for (const subscription of this.subscriptions) subscription[Symbol.dispose]();
  }

  /** What runs inside another dyno counts there. */
  private watched(): WatchedRun[] {
    const attached = [...this.attached.values()].filter(({ order }) => order.ownDyno);
    return [
      ...attached.map((run) => ({ id: run.order.id, size: run.order.size, run })),
      ...[...this.detached.values()].map((run) => ({ id: run.facts.id, size: run.facts.size, run })),
    ];
  }

  private orderOf(app: AppRow, order: TerminalOrder): OneOffOrder {
    const { runtime, store, clock } = this.options;
    const life = this.lifeOf(order);
    if (order.dyno === undefined) {
      const spec = runSpec(this.options, app, order, this.names(app.id), clock.random());
      return ownDyno(runtime, spec, order, life);
    }
    const targets = [...this.options.dynos(app.id), ...this.list(app.id)];
    return insideDyno(runtime, insideSpec(store, app, { ...order, dyno: order.dyno }, targets), app, life);
  }

  private lifeOf({ timeToLive }: RunOrder): number {
    const { life } = this.options.timers;
    return timeToLive === undefined ? life : Math.min(life, timeToLive * 1000);
  }

  private names(appId: string): Set<string> {
    return new Set(this.list(appId).map((run) => run.name));
  }

  /** @throws SlipwayError `unavailable`, `limit_reached` */
  private checkRoom(app: AppRow): void {
    if (this.closed)
      throw new SlipwayError('unavailable', 'The engine is going away. Start it and try again.');
    const attached = [...this.attached.values()].filter(({ order }) => order.appId === app.id);
    const detached = [...this.detached.values()].filter(({ facts }) => facts.appId === app.id);
    if (attached.length + detached.length >= MAX_RUNS) throw tooMany(app);
  }

  private find(id: string): OneOff {
    const run = this.attached.get(id);
    if (run !== undefined) return run;
    throw new SlipwayError('not_found', `There is no terminal ${id}: its command has ended. Run it again.`);
  }

  private add(run: Detached): Detached {
    const { id, appId } = run.facts;
    this.detached.set(id, run);
    this.memory.wake();
    void run.finished.then(() => {
      this.detached.delete(id);
      this.options.onChange(appId);
    });
    return run;
  }

  private context(): DetachedContext {
    return {
      ...this.options,
      onOver: (id) => {
        this.options.store.deleteRun(id);
      },
    };
  }

  /** One-off dynos without a terminal that the runtime has. */
  private async found(): Promise<DynoInstance[]> {
    return (await this.options.runtime.listDynos()).filter((instance) => isRunName(instance.name));
  }

  /** Ends may have been missed while the runtime was away. */
  private async look(): Promise<void> {
    const before = [...this.detached.values()].filter((run) => run.state !== 'starting');
    const found = new Map((await this.found()).map((instance) => [instance.id, instance]));
    for (const run of before) {
      const instance = found.get(run.facts.id);
      if (instance === undefined) run.ended();
      else if (instance.exit !== null) run.ended(instance.exit);
    }
  }
}

function fail(error: unknown): never {
  throw asSlipwayError(error);
}
