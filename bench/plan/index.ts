import { type ActualDyno, type DesiredApp, plan } from '../../electron/engine/dyno/plan.ts';
import type { FigureDefinition } from '../lib/definition.ts';

const DYNOS = 1_000;
const TURNS = 300;
const TYPES = ['web', 'worker'] as const;

/** What one turn of the dyno manager costs when nothing is to be done: median of many, in milliseconds. */
export const figures: FigureDefinition = {
  title: `plan() of ${DYNOS} dynos that all run, in milliseconds`,
  goals: { 'hundred-apps-ms': 5, 'one-app-ms': 5 },
  measure: () => Promise.resolve({ 'hundred-apps-ms': median(100), 'one-app-ms': median(1) }),
};

function median(apps: number): number {
  const { desired, actual } = world(apps, DYNOS / apps / TYPES.length);
  const turns = Array.from({ length: TURNS }, () => {
    const started = performance.now();
    plan(desired, actual, 0, { boot: 60_000, exit: 30_000 });
    return performance.now() - started;
  });
  return turns.sort((one, other) => one - other)[TURNS / 2] ?? 0;
}

function world(apps: number, quantity: number): { desired: DesiredApp[]; actual: ActualDyno[] } {
  const release = { version: 1, types: TYPES.map((type) => ({ type, quantity, size: 'Standard-1X' })) };
  const desired = Array.from({ length: apps }, (_, index): DesiredApp => {
    const options = { order: 'seamless', asleep: false, cycling: true } as const;
    return { appId: `a${index}`, target: release, serving: release, epochs: new Map(), ...options };
  });
  const actual = desired.flatMap(({ appId }) =>
    TYPES.flatMap((type) =>
      Array.from({ length: quantity }, (_, index): ActualDyno => {
        const what = {
          id: `${appId} ${type}.${index}`,
          appId,
          type,
          number: index + 1,
          release: 1,
          epoch: 0,
        };
        const times = { startedAt: 0, cycleAt: 1e9, nextStartAt: 0, termSentAt: null, killed: false };
        return { ...what, ...times, size: 'Standard-1X', state: 'up' };
      }),
    ),
  );
  return { desired, actual };
}
