import type { DeployOrder } from '#shared/model/options.ts';

/** What shall run of one process type of a release. */
export interface WantedType {
  readonly type: string;
  readonly quantity: number;
  readonly size: string;
}

/** A release together with the formation it shall run in. */
export interface WantedRelease {
  readonly version: number;
  readonly types: readonly WantedType[];
}

/** What shall be true of one app. */
export interface DesiredApp {
  readonly appId: string;
  /** The current release. */
  readonly target: WantedRelease;
  /**
   * The release whose dynos serve until those of `target` are up; the same as `target` once they are,
   * null when none ever was.
   */
  readonly serving: WantedRelease | null;
  /** Restart counters of single dynos by name (`web.1`); absent is 0. */
  readonly epochs: ReadonlyMap<string, number>;
  readonly order: DeployOrder;
  /** True while it sleeps: none of its dynos shall run. */
  readonly asleep: boolean;
  /** Whether dynos are replaced when their day is over. */
  readonly cycling: boolean;
}

/** What is true of one dyno. */
export interface ActualDyno {
  readonly id: string;
  readonly appId: string;
  readonly type: string;
  readonly number: number;
  readonly release: number;
  readonly epoch: number;
  readonly size: string;
  readonly state: 'starting' | 'up' | 'stopping' | 'crashed';
  /** Milliseconds of the steady clock, as all times here. */
  readonly startedAt: number;
  /** When its day is over. */
  readonly cycleAt: number;
  /** When a crashed one may start again. */
  readonly nextStartAt: number;
  /** When SIGTERM was sent, or null. */
  readonly termSentAt: number | null;
  readonly killed: boolean;
}

/** Why a dyno that runs is stopped: another one has its place, its slot is no longer wanted, or the app falls asleep. */
export type StopReason = 'replaced' | 'scaled' | 'asleep';

/** One thing to do; the manager does it and then plans again. */
export type Step =
  | {
      readonly kind: 'start';
      readonly appId: string;
      readonly type: string;
      readonly number: number;
      readonly release: number;
      readonly epoch: number;
      readonly size: string;
      /** The crashed dyno that this start replaces. */
      readonly replaces: string | null;
    }
  | {
      readonly kind: 'stop';
      readonly dynoId: string;
      readonly why: StopReason;
      /** Whether requests in flight are waited for before SIGTERM. */
      readonly drain: boolean;
    }
  /** The day of a dyno is over: a new one shall take its place. */
  | { readonly kind: 'cycle'; readonly dynoId: string }
  | { readonly kind: 'kill'; readonly dynoId: string; readonly why: 'boot-timeout' | 'exit-timeout' }
  | { readonly kind: 'forget'; readonly dynoId: string }
  | { readonly kind: 'promote'; readonly appId: string; readonly release: number };

/** Steps for now, and when to plan again even if nothing happens (steady clock). */
export interface Plan {
  readonly steps: readonly Step[];
  readonly wakeAt: number | null;
}

/** Timers of the platform in milliseconds (reference: heroku-platform 3.2). */
export interface Timers {
  readonly boot: number;
  readonly exit: number;
}

/**
 * Says what to do so that what is becomes what shall be. Pure: equal questions have equal answers, and
 * steps that were done lead, over further plans, to a state without steps.
 */
export function plan(
  desired: readonly DesiredApp[],
  actual: readonly ActualDyno[],
  now: number,
  timers: Timers,
): Plan {
  const planner = new Planner(now, timers);
  const byApp = Map.groupBy(actual, (dyno) => dyno.appId);
  for (const app of desired) {
    planner.planApp(app, byApp.get(app.appId) ?? []);
    byApp.delete(app.appId);
  }
  for (const orphans of byApp.values()) planner.endAll(orphans);
  return { steps: planner.steps, wakeAt: planner.wakeAt };
}

/** True when every dyno that has to be up before the traffic moves is up: all web dynos, or all dynos of an app without web. */
function isReady(release: WantedRelease, epochs: ReadonlyMap<string, number>, dynos: Slots): boolean {
  const web = release.types.filter((each) => each.type === 'web' && each.quantity > 0);
  const deciding = web.length > 0 ? web : release.types;
  return deciding.every((wanted) =>
    slots(wanted).every((number) =>
      (dynos.get(`${wanted.type}.${number}`) ?? []).some(
        (dyno) => dyno.state === 'up' && matches(dyno, release.version, wanted, epochs),
      ),
    ),
  );
}

/** Dynos of one app by name (`web.1`). */
type Slots = ReadonlyMap<string, readonly ActualDyno[]>;

class Planner {
  readonly steps: Step[] = [];
  wakeAt: number | null = null;
  private readonly now: number;
  private readonly timers: Timers;

  constructor(now: number, timers: Timers) {
    this.now = now;
    this.timers = timers;
  }

  planApp(app: DesiredApp, dynos: readonly ActualDyno[]): void {
    for (const dyno of dynos) this.watchTimers(dyno);
    const { target, serving } = app;
    const byName = Map.groupBy(dynos, (dyno) => `${dyno.type}.${dyno.number}`);
    const handsOver = app.asleep || app.order === 'platform' || isReady(target, app.epochs, byName);
    if (handsOver && serving?.version !== target.version) {
      this.steps.push({ kind: 'promote', appId: app.appId, release: target.version });
    }
    const kept = new Set<string>();
    if (!app.asleep) this.keepRelease(app, target, byName, kept, true);
    if (!handsOver && serving !== null && serving.version !== target.version)
      this.keepRelease(app, serving, byName, kept, false);
    for (const dyno of dynos) if (!kept.has(dyno.id)) this.end(dyno, stopReason(app, dyno), drains(app));
  }

  endAll(dynos: readonly ActualDyno[]): void {
    for (const dyno of dynos) {
      this.watchTimers(dyno);
      this.end(dyno, 'scaled', true);
    }
  }

  /** Keeps or starts one dyno in every slot of a release. `exact` also wants the size and restart counter of today. */
  private keepRelease(
    app: DesiredApp,
    release: WantedRelease,
    byName: Slots,
    kept: Set<string>,
    exact: boolean,
  ): void {
    for (const wanted of release.types) {
      for (const number of slots(wanted)) {
        const slot = (byName.get(`${wanted.type}.${number}`) ?? []).filter(
          (dyno) => dyno.release === release.version && dyno.state !== 'stopping',
        );
        const fresh = exact
          ? slot.filter((dyno) => matches(dyno, release.version, wanted, app.epochs))
          : slot;
        const best = fresh.toSorted(byWorth)[0];
        if (best !== undefined) kept.add(best.id);
        if (best?.state === 'up' && exact && app.cycling) this.watchDay(best);
        if (best?.state !== 'up' && app.order === 'seamless') {
          const old = slot.find((dyno) => dyno.state === 'up');
          if (old !== undefined) kept.add(old.id);
        }
        if (best === undefined || best.state === 'crashed')
          this.start(app, release, wanted, number, best ?? null);
      }
    }
  }

  private start(
    app: DesiredApp,
    release: WantedRelease,
    wanted: WantedType,
    number: number,
    crashed: ActualDyno | null,
  ): void {
    if (crashed !== null && crashed.nextStartAt > this.now) {
      this.wake(crashed.nextStartAt);
      return;
    }
    this.steps.push({
      kind: 'start',
      appId: app.appId,
      type: wanted.type,
      number,
      release: release.version,
      epoch: app.epochs.get(`${wanted.type}.${number}`) ?? 0,
      size: wanted.size,
      replaces: crashed?.id ?? null,
    });
  }

  private end(dyno: ActualDyno, why: StopReason, drain: boolean): void {
    if (dyno.state === 'crashed') this.steps.push({ kind: 'forget', dynoId: dyno.id });
    else if (dyno.state !== 'stopping') this.steps.push({ kind: 'stop', dynoId: dyno.id, why, drain });
  }

  private watchDay(dyno: ActualDyno): void {
    if (dyno.cycleAt <= this.now) this.steps.push({ kind: 'cycle', dynoId: dyno.id });
    else this.wake(dyno.cycleAt);
  }

  private watchTimers(dyno: ActualDyno): void {
    if (dyno.killed) return;
    if (dyno.state === 'starting' && dyno.type === 'web') {
      this.killAt(dyno, dyno.startedAt + this.timers.boot, 'boot-timeout');
    } else if (dyno.state === 'stopping' && dyno.termSentAt !== null) {
      this.killAt(dyno, dyno.termSentAt + this.timers.exit, 'exit-timeout');
    }
  }

  private killAt(dyno: ActualDyno, at: number, why: 'boot-timeout' | 'exit-timeout'): void {
    if (at <= this.now) this.steps.push({ kind: 'kill', dynoId: dyno.id, why });
    else this.wake(at);
  }

  private wake(at: number): void {
    this.wakeAt = this.wakeAt === null ? at : Math.min(this.wakeAt, at);
  }
}

function stopReason(app: DesiredApp, dyno: ActualDyno): StopReason {
  if (app.asleep) return 'asleep';
  const wanted = app.target.types.find((each) => each.type === dyno.type);
  return wanted !== undefined && dyno.number <= wanted.quantity ? 'replaced' : 'scaled';
}

/** The platform's own order sends SIGTERM at once, whatever is in flight (reference: heroku-platform 3.5). */
function drains(app: DesiredApp): boolean {
  return app.asleep || app.order === 'seamless';
}

function slots(wanted: WantedType): number[] {
  return Array.from({ length: wanted.quantity }, (_, index) => index + 1);
}

/** Whether a dyno of the slot is as it shall be. */
function matches(
  dyno: ActualDyno,
  release: number,
  wanted: WantedType,
  epochs: ReadonlyMap<string, number>,
): boolean {
  return (
    dyno.release === release &&
    dyno.size === wanted.size &&
    dyno.epoch === (epochs.get(`${dyno.type}.${dyno.number}`) ?? 0)
  );
}

const WORTH = { up: 0, starting: 1, crashed: 2, stopping: 3 } as const;

/** The dyno to keep when a slot has several: up before starting before crashed, then the newest. */
function byWorth(one: ActualDyno, other: ActualDyno): number {
  return (
    WORTH[one.state] - WORTH[other.state] || other.startedAt - one.startedAt || (one.id < other.id ? -1 : 1)
  );
}
