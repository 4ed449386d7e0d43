import type { Dyno } from '#shared/model/app.ts';
import type { DynoInstance } from '../runtime/runtime.ts';
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
  readonly startedAt: number;
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
  /** Why the platform killed it, if it did. */
  fault: Fault | null;
  /** True once its end is being dealt with, so that a second report of it counts for nothing. */
  ended: boolean;
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
export function visibleDynos(records: readonly DynoRecord[], serving: number | null): Dyno[] {
  const byName = new Map<string, DynoRecord>();
  for (const record of records) {
    const other = byName.get(record.name);
    if (other === undefined || rank(record, serving) < rank(other, serving)) byName.set(record.name, record);
  }
  return [...byName.values()]
    .sort((one, other) => one.type.localeCompare(other.type) || one.number - other.number)
    .map(toDyno);
}

const STATE_RANK = { up: 0, starting: 1, crashed: 2, stopping: 3 } as const;

function rank(record: DynoRecord, serving: number | null): number {
  return STATE_RANK[record.state] * 2 + (record.release === serving ? 0 : 1);
}

function toDyno(record: DynoRecord): Dyno {
  return {
    id: record.id,
    name: record.name,
    type: record.type,
    state: record.state,
    release: record.release,
    size: record.size,
    command: record.command,
    updatedAt: new Date(record.since).toISOString(),
    ...(record.reason === null ? {} : { reason: record.reason }),
    ...(record.state === 'crashed' ? { nextStartAt: new Date(record.nextStartAt).toISOString() } : {}),
  };
}
