import type { Dyno } from '#shared/model/app.ts';
import type { Clock } from '../util/clock.ts';
import type { DynoInstance } from '../runtime/runtime.ts';
import type { AppDesire } from './desired.ts';
import type { Fault } from './lines.ts';
import type { ActualDyno } from './plan.ts';

/** What the manager knows of one dyno. Only the manager and its parts change it. */
export interface DynoRecord {
  readonly id: string;
  readonly appId: string;
  readonly name: string;
  readonly type: string;
  readonly number: number;
  readonly release: number;
  readonly epoch: number;
  readonly size: string;
  readonly command: string;
  /** Times are those of the steady clock. */
  readonly startedAt: number;
  /** When its day is over. */
  readonly cycleAt: number;
  state: ActualDyno['state'];
  /** When it came into its state. */
  since: number;
  /** Null until the runtime has launched it. */
  instance: DynoInstance | null;
  /** Crashes in a row, this one included. */
  crashes: number;
  nextStartAt: number;
  reason: string | null;
  termSentAt: number | null;
  killed: boolean;
  /** Whether its end waits for requests in flight. */
  drain: boolean;
  /** Why the platform killed it, if it did. */
  fault: Fault | null;
  /** True once its end is being dealt with, so that a second report of it counts for nothing. */
  ended: boolean;
}

const MINUTE = 60_000;
/** How long a dyno lives where dynos are replaced daily, and how much chance adds to it (reference: heroku-platform 3.2). */
const DAY = 24 * 60 * MINUTE;
const DAY_SPREAD = 216 * MINUTE;

/** A dyno that starts, or did `age` milliseconds ago. */
export function newRecord(
  what: Pick<
    DynoRecord,
    'id' | 'appId' | 'name' | 'type' | 'number' | 'release' | 'epoch' | 'size' | 'command'
  >,
  clock: Clock,
  age = 0,
): DynoRecord {
  const startedAt = clock.steady() - age;
  return {
    ...what,
    startedAt,
    cycleAt: startedAt + DAY + clock.random() * DAY_SPREAD,
    since: startedAt,
    state: 'starting',
    instance: null,
    crashes: 0,
    nextStartAt: 0,
    reason: null,
    termSentAt: null,
    killed: false,
    drain: true,
    fault: null,
    ended: false,
  };
}

/** All dynos that exist or crashed, by id. */
export class DynoTable {
  private readonly records = new Map<string, DynoRecord>();

  add(record: DynoRecord): void {
    this.records.set(record.id, record);
  }

  get(id: string): DynoRecord | undefined {
    return this.records.get(id);
  }

  delete(id: string): void {
    this.records.delete(id);
  }

  all(): DynoRecord[] {
    return [...this.records.values()];
  }

  /** Those that have been launched and have not ended. */
  running(): DynoRecord[] {
    return this.all().filter((record) => record.instance !== null && !record.ended);
  }

  ofApp(appId: string): DynoRecord[] {
    return this.all().filter((record) => record.appId === appId);
  }
}

/**
 * The dynos of an app as people see them: one for each name; during a hand-over the one that serves.
 * @param serving version of the serving release, or null
 */
export function visibleDynos(records: readonly DynoRecord[], serving: number | null, clock: Clock): Dyno[] {
  const ahead = clock.now() - clock.steady();
  const byName = new Map<string, DynoRecord>();
  for (const record of records) {
    const other = byName.get(record.name);
    if (other === undefined || rank(record, serving) < rank(other, serving)) byName.set(record.name, record);
  }
  return [...byName.values()]
    .sort((one, other) => one.type.localeCompare(other.type) || one.number - other.number)
    .map((record) => toDyno(record, ahead));
}

/** The dynos of an app that sleeps, each in the state `idle`. */
export function idleDynos({ appId, target, asleepSince }: AppDesire): Dyno[] {
  if (target === null || asleepSince === null) return [];
  return target.wanted.types.flatMap(({ type, quantity, size }) =>
    Array.from({ length: quantity }, (_, index): Dyno => {
      const name = `${type}.${index + 1}`;
      const command = target.slug.processTypes[type] ?? '';
      return {
        ...{ id: `${appId} ${name}`, name, type, size, command },
        ...{ state: 'idle', release: target.wanted.version, updatedAt: asleepSince },
      };
    }),
  );
}

const STATE_RANK = { up: 0, starting: 1, crashed: 2, stopping: 3 } as const;

function rank(record: DynoRecord, serving: number | null): number {
  return STATE_RANK[record.state] * 2 + (record.release === serving ? 0 : 1);
}

/** @param ahead what makes a time of the steady clock one of the machine's */
function toDyno(record: DynoRecord, ahead: number): Dyno {
  const text = (time: number): string => new Date(time + ahead).toISOString();
  return {
    id: record.id,
    name: record.name,
    type: record.type,
    state: record.state,
    release: record.release,
    size: record.size,
    command: record.command,
    updatedAt: text(record.since),
    ...(record.reason === null ? {} : { reason: record.reason }),
    ...(record.state === 'crashed' ? { nextStartAt: text(record.nextStartAt) } : {}),
  };
}
