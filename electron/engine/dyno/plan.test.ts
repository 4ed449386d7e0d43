import * as fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import { type ActualDyno, type DesiredApp, plan, type Step, type WantedRelease } from './plan.ts';

const TIMERS = { boot: 60_000, exit: 30_000 };
const NO_EPOCHS = new Map<string, number>();

function release(version: number, web: number, worker = 0): WantedRelease {
  return {
    version,
    types: [
      { type: 'web', quantity: web, size: 'Standard-1X' },
      { type: 'worker', quantity: worker, size: 'Standard-1X' },
    ],
  };
}

function app(target: WantedRelease, serving: WantedRelease | null, epochs = NO_EPOCHS): DesiredApp {
  return { appId: 'a', target, serving, epochs, order: 'seamless', asleep: false, cycling: false };
}

function dyno(change: Partial<ActualDyno>): ActualDyno {
  return {
    ...{
      id: `d${change.release ?? 1}-${change.number ?? 1}`,
      appId: 'a',
      type: 'web',
      number: 1,
      release: 1,
      epoch: 0,
    },
    ...{ size: 'Standard-1X', state: 'up', startedAt: 0, nextStartAt: 0, termSentAt: null, killed: false },
    cycleAt: 1e9,
    ...change,
  };
}

const kinds = (steps: readonly Step[]): string[] => steps.map((step) => step.kind);

describe('plan', () => {
  it('starts what is missing and nothing else', () => {
    const { steps } = plan([app(release(1, 2, 1), release(1, 2, 1))], [dyno({ number: 1 })], 0, TIMERS);
    expect(steps).toEqual([
      expect.objectContaining({ kind: 'start', type: 'web', number: 2, release: 1 }),
      expect.objectContaining({ kind: 'start', type: 'worker', number: 1 }),
    ]);
  });

  it('keeps the serving release until every web dyno of the new one is up, then promotes before it stops', () => {
    const desired = [app(release(2, 2), release(1, 2))];
    const old = [dyno({ number: 1 }), dyno({ number: 2 })];
    expect(kinds(plan(desired, old, 0, TIMERS).steps)).toEqual(['start', 'start']);
    const half = [...old, dyno({ release: 2 }), dyno({ release: 2, number: 2, state: 'starting' })];
    expect(plan(desired, half, 0, TIMERS).steps).toEqual([]);
    const whole = [...old, dyno({ release: 2 }), dyno({ release: 2, number: 2 })];
    expect(kinds(plan(desired, whole, 0, TIMERS).steps)).toEqual(['promote', 'stop', 'stop']);
  });

  it('starts a crashed dyno of the serving release again while the new one does not come up', () => {
    const desired = [app(release(2, 1), release(1, 1))];
    const dynos = [
      dyno({ state: 'crashed', nextStartAt: 5 }),
      dyno({ release: 2, state: 'crashed', nextStartAt: 900 }),
    ];
    const { steps, wakeAt } = plan(desired, dynos, 10, TIMERS);
    expect(steps).toEqual([expect.objectContaining({ kind: 'start', release: 1, replaces: 'd1-1' })]);
    expect(wakeAt).toBe(900);
  });

  it('restarts one dyno without a gap: the old one goes when the new one is up', () => {
    const desired = [app(release(1, 1), release(1, 1), new Map([['web.1', 1]]))];
    const old = dyno({ id: 'old' });
    expect(kinds(plan(desired, [old], 0, TIMERS).steps)).toEqual(['start']);
    const starting = dyno({ id: 'new', epoch: 1, state: 'starting' });
    expect(plan(desired, [old, starting], 0, TIMERS).steps).toEqual([]);
    const up = dyno({ id: 'new', epoch: 1 });
    expect(plan(desired, [old, up], 0, TIMERS).steps).toEqual([
      { kind: 'stop', dynoId: 'old', why: 'replaced', drain: true },
    ]);
  });

  it('stops the highest numbers when scaled down', () => {
    const dynos = [dyno({ number: 1 }), dyno({ number: 2 }), dyno({ number: 3 })];
    expect(plan([app(release(1, 1), release(1, 1))], dynos, 0, TIMERS).steps).toEqual([
      { kind: 'stop', dynoId: 'd1-2', why: 'scaled', drain: true },
      { kind: 'stop', dynoId: 'd1-3', why: 'scaled', drain: true },
    ]);
  });

  it('kills a web dyno that does not listen in time and a dyno that ignores SIGTERM', () => {
    const dynos = [
      dyno({ number: 1, state: 'starting', startedAt: 0 }),
      dyno({ number: 2, state: 'stopping', termSentAt: 40_000 }),
    ];
    const { steps, wakeAt } = plan([app(release(1, 1), null)], dynos, 60_000, TIMERS);
    expect(steps).toEqual([{ kind: 'kill', dynoId: 'd1-1', why: 'boot-timeout' }]);
    expect(wakeAt).toBe(70_000);
  });

  it('in the platform’s order the old dynos go as the new ones start, without waiting for their requests', () => {
    const desired = { ...app(release(2, 1), release(1, 1)), order: 'platform' as const };
    expect(plan([desired], [dyno({})], 0, TIMERS).steps).toEqual([
      { kind: 'promote', appId: 'a', release: 2 },
      expect.objectContaining({ kind: 'start', release: 2 }),
      { kind: 'stop', dynoId: 'd1-1', why: 'replaced', drain: false },
    ]);
  });

  it('asleep nothing runs', () => {
    const desired = { ...app(release(1, 1), release(1, 1)), asleep: true };
    expect(plan([desired], [dyno({}), dyno({ number: 2, state: 'crashed' })], 0, TIMERS).steps).toEqual([
      { kind: 'stop', dynoId: 'd1-1', why: 'asleep', drain: true },
      { kind: 'forget', dynoId: 'd1-2' },
    ]);
  });

  it('1 000 dynos of 100 apps are planned in one go', () => {
    const desired = Array.from({ length: 100 }, (_, index) => ({
      ...app(release(2, 5, 5), release(1, 5, 5)),
      appId: `a${index}`,
    }));
    const dynos = desired.flatMap(({ appId }) =>
      [1, 2, 3, 4, 5].flatMap((number) => [
        dyno({ id: `${appId} web ${number}`, appId, number }),
        dyno({ id: `${appId} worker ${number}`, appId, number, type: 'worker' }),
      ]),
    );
    const { steps } = plan(desired, dynos, 0, TIMERS);
    expect(steps.filter((step) => step.kind === 'start')).toHaveLength(1_000);
    expect(steps.filter((step) => step.kind === 'stop')).toHaveLength(0);
  });

  it('ends the dynos of an app that is not wanted any more', () => {
    const dynos = [dyno({}), dyno({ number: 2, state: 'crashed' })];
    expect(kinds(plan([], dynos, 0, TIMERS).steps)).toEqual(['stop', 'forget']);
  });
});

/** No time after this one is waited for. */
const WORLD_END = 1e8;

/** A world that does what it is told: starts come up, stops end, promotions are kept. */
class World {
  app: DesiredApp;
  dynos: ActualDyno[];
  now = 1_000;
  private made = 0;

  constructor(desired: DesiredApp, dynos: ActualDyno[]) {
    this.app = desired;
    this.dynos = dynos;
  }

  /** One turn; true when there was nothing to do and nothing under way. */
  turn(): boolean {
    const { steps, wakeAt } = plan([this.app], this.dynos, this.now, TIMERS);
    for (const step of steps) this.perform(step);
    const busy = this.dynos.some((each) => each.state === 'starting' || each.state === 'stopping');
    this.dynos = this.dynos
      .filter((each) => each.state !== 'stopping')
      .map((each) => (each.state === 'starting' ? { ...each, state: 'up' as const } : each));
    if (steps.length === 0 && !busy && wakeAt !== null && wakeAt <= WORLD_END) this.now = wakeAt;
    return steps.length === 0 && !busy && (wakeAt === null || wakeAt > WORLD_END);
  }

  private cycle(id: string): void {
    const found = this.dynos.find((each) => each.id === id);
    if (found === undefined) throw new Error(`there is no dyno ${id}`);
    const name = `${found.type}.${found.number}`;
    const epochs = new Map(this.app.epochs);
    this.app = { ...this.app, epochs: epochs.set(name, (epochs.get(name) ?? 0) + 1) };
  }

  private perform(step: Step): void {
    if (step.kind === 'promote') this.app = { ...this.app, serving: this.app.target };
    else if (step.kind === 'cycle') this.cycle(step.dynoId);
    else if (step.kind === 'start') {
      this.dynos = this.dynos.filter((each) => each.id !== step.replaces);
      this.made += 1;
      this.dynos.push(
        dyno({ ...step, id: `new-${this.made}`, state: 'starting', startedAt: this.now, cycleAt: 1e9 }),
      );
    } else if (step.kind === 'forget') this.dynos = this.dynos.filter((each) => each.id !== step.dynoId);
    else {
      this.dynos = this.dynos.map((each) =>
        each.id === step.dynoId ? { ...each, state: 'stopping' as const } : each,
      );
    }
  }
}

const anyDyno = fc.record({
  type: fc.constantFrom('web', 'worker', 'gone'),
  number: fc.integer({ min: 1, max: 4 }),
  release: fc.integer({ min: 1, max: 4 }),
  epoch: fc.integer({ min: 0, max: 1 }),
  size: fc.constantFrom('Standard-1X', 'Eco'),
  state: fc.constantFrom('starting' as const, 'up' as const, 'stopping' as const, 'crashed' as const),
  nextStartAt: fc.integer({ min: 0, max: 5_000 }),
  cycleAt: fc.integer({ min: 0, max: 5_000 }),
});

describe('plan, from any state', () => {
  it('comes to rest with exactly the wanted dynos, all of the current release', () => {
    fc.assert(
      fc.property(
        fc.array(anyDyno, { maxLength: 12 }),
        fc.integer({ min: 0, max: 4 }),
        fc.integer({ min: 0, max: 3 }),
        fc.constantFrom(null, 1, 2, 3),
        fc.record({
          order: fc.constantFrom('seamless' as const, 'platform' as const),
          asleep: fc.boolean(),
          cycling: fc.boolean(),
        }),
        (dynos, web, worker, serving, options) => {
          const target = release(3, web, worker);
          const before = serving === null ? null : release(serving, web, worker);
          const world = new World(
            { ...app(target, before, new Map([['web.1', 1]])), ...options },
            dynos.map((each, index) => dyno({ ...each, id: `old-${index}` })),
          );
          let turns = 0;
          while (!world.turn()) expect((turns += 1)).toBeLessThan(50);
          const names = world.dynos.map((each) => `${each.release} ${each.type}.${each.number}`).sort();
          const wanted = (options.asleep ? [] : target.types).flatMap((type) =>
            Array.from({ length: type.quantity }, (_, index) => `3 ${type.type}.${index + 1}`),
          );
          expect(names).toEqual(wanted.sort());
          expect(world.app.serving?.version).toBe(3);
        },
      ),
    );
  });

  it('never leaves an app without its serving web dynos during a hand-over', () => {
    fc.assert(
      fc.property(fc.integer({ min: 1, max: 4 }), fc.integer({ min: 1, max: 4 }), (before, after) => {
        const old = Array.from({ length: before }, (_, index) => dyno({ number: index + 1, release: 1 }));
        const world = new World(app(release(2, after), release(1, after)), old);
        do expect(world.dynos.filter((each) => each.state === 'up').length).toBeGreaterThan(0);
        while (!world.turn());
      }),
    );
  });

  it('never has more dynos than are wanted, except during a hand-over', () => {
    const slot = fc.record({
      state: fc.constantFrom('starting' as const, 'up' as const, 'crashed' as const, 'stopping' as const),
      nextStartAt: fc.integer({ min: 0, max: 5_000 }),
    });
    const amount = fc.integer({ min: 0, max: 4 });
    fc.assert(
      fc.property(fc.array(slot, { maxLength: 5 }), amount, amount, (slots, web, crashes) => {
        const wanted = release(1, web);
        const dynos = slots.map((each, index) => dyno({ ...each, id: `old-${index}`, number: index + 1 }));
        const world = new World(app(wanted, wanted), dynos);
        const most = Math.max(web, living(world));
        for (let turn = 0; turn < 20; turn += 1) {
          world.turn();
          expect(living(world)).toBeLessThanOrEqual(turn === 0 ? most : web);
          if (turn < crashes)
            world.dynos = world.dynos.map((each, index) =>
              index === turn ? { ...each, state: 'crashed' as const, nextStartAt: world.now + 1_000 } : each,
            );
        }
        expect(living(world)).toBe(web);
      }),
    );
  });
});

const living = (world: World): number =>
  world.dynos.filter((each) => each.state === 'starting' || each.state === 'up').length;
