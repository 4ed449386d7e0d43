import { setTimeout as sleep } from 'node:timers/promises';
import { findSize } from '#shared/model/size.ts';
import type { ReleaseRow, SlugRow } from '../store/rows.ts';
import type { DynoInstance, DynoSpec, Runtime, SlugRef } from '../runtime/runtime.ts';
import type { DynoRecord } from './dyno-table.ts';
import { dynoMetadata } from './metadata.ts';

/** What launching a dyno needs besides its record. */
export interface LaunchOrder {
  readonly record: DynoRecord;
  readonly appName: string;
  readonly release: ReleaseRow;
  readonly slug: SlugRef;
  /** True when a place was reserved for this dyno, which needs no staged slug. */
  readonly reserved: boolean;
  /** The slug of the release when the dyno is told of itself (`AppOptions.dynoMetadata`), else null. */
  readonly told: SlugRow | null;
}

/**
 * Has the runtime start a dyno.
 * @throws RuntimeError when the slug was damaged or cannot be staged or the dyno cannot be started
 */
export async function launch(
  runtime: Runtime,
  order: LaunchOrder,
  signal: AbortSignal,
): Promise<DynoInstance> {
  await order.slug.verify();
  if (!order.reserved) await runtime.stage(order.slug, signal);
  return runtime.startDyno(dynoSpec(order));
}

/** A dyno as runtimes want it. */
export function dynoSpec(
  order: Pick<LaunchOrder, 'appName' | 'release' | 'slug' | 'told'> & { record: DynoIdentity },
): DynoSpec {
  const { record, appName, release, told } = order;
  const size = findSize(record.size);
  if (size === undefined) throw new Error(`no dyno size ${record.size}`);
  return {
    id: record.id,
    appId: record.appId,
    appName: order.appName,
    name: record.name,
    type: record.type,
    release: record.release,
    slug: order.slug,
    command: record.command,
    env: {
      ...(told === null
        ? {}
        : dynoMetadata({ appId: record.appId, appName, dynoId: record.id, release, slug: told })),
      ...order.release.config,
      DYNO: record.name,
    },
    size,
  };
}

/** What names a dyno. */
export type DynoIdentity = Pick<
  DynoRecord,
  'id' | 'appId' | 'name' | 'type' | 'release' | 'size' | 'command'
>;

/** A dyno that is not `web` counts as up when it has run for this long, in milliseconds (reference: heroku-platform 3.2). */
const UP_AFTER = 500;

/**
 * Waits until a started dyno is up: a web dyno listens on $PORT, another one has run for a moment.
 * @param gone says that the dyno has ended or shall end, so that waiting is over
 * @returns false when it was gone before
 */
export async function untilUp(
  runtime: Runtime,
  instance: DynoInstance,
  gone: () => boolean,
): Promise<boolean> {
  if (instance.type !== 'web') {
    await sleep(UP_AFTER);
    return !gone();
  }
  for (let tries = 0; !gone(); tries += 1) {
    if (await runtime.isListening(instance)) return !gone();
    await sleep(tries < 100 ? 15 : tries < 200 ? 50 : 250);
  }
  return false;
}
