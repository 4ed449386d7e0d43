import { SlipwayError } from '#shared/errors.ts';
import type { FormationUpdate } from '#shared/contract/contract.ts';
import type { FormationEntry } from '#shared/model/app.ts';
import { RELEASE_TYPE } from '#shared/model/release.ts';
import { DEFAULT_SIZE, findSize, isUnmixed } from '#shared/model/size.ts';
import type { FormationRow } from '../store/rows.ts';

/**
 * Changes several process types as one: what comes back is to be stored whole, and when one change is not possible there is
 * none (reference: heroku-platform 6.4).
 * @returns the entries that were named, then those whose size changes with them
 * @throws SlipwayError `no_process_type`, `limit_reached`, `invalid_params`
 */
export function scaleFormation(
  types: readonly FormationEntry[],
  updates: readonly FormationUpdate[],
): FormationRow[] {
  const rows = new Map(
    types.map(({ type, quantity, size }): [string, FormationRow] => [type, { type, quantity, size }]),
  );
  const named = new Set<string>();
  for (const update of updates) {
    rows.set(update.type, scaled(rows, update));
    named.add(update.type);
  }
  const sizes = updates.flatMap(({ type, size }) => (size === undefined ? [] : [{ type, size }]));
  const others = [...shareSize(rows, sizes)].filter((type) => !named.has(type));
  const changed = [...named, ...others].flatMap((type) => rows.get(type) ?? []);
  for (const row of changed) checkLimit(row);
  return changed;
}

/** Process types that are new to an app: one dyno for `web`, none for others, unless the app's own wish says otherwise (reference: heroku-platform 1.1). */
export function firstRows(
  types: readonly string[],
  known: readonly FormationRow[],
  wish: readonly FormationRow[],
): FormationRow[] {
  const size = known.find((row) => isUnmixed(row.size))?.size ?? DEFAULT_SIZE;
  return types
    .filter((type) => !known.some((row) => row.type === type))
    .flatMap((type) => {
      const wanted = known.length === 0 ? wish.find((row) => row.type === type) : undefined;
      if (wanted !== undefined) return [wanted];
      return type === RELEASE_TYPE ? [] : [{ type, quantity: type === 'web' ? 1 : 0, size }];
    });
}

/** `web@2:Standard-1X`, as the API log names a wanted formation. */
export function describeFormation(entries: readonly FormationRow[]): string {
  return entries.map((entry) => `${entry.type}@${entry.quantity}:${entry.size}`).join(' ');
}

function scaled(rows: ReadonlyMap<string, FormationRow>, update: FormationUpdate): FormationRow {
  const current = rows.get(update.type);
  const names = [...rows.keys()].filter((type) => type !== RELEASE_TYPE);
  if (current === undefined) {
    throw new SlipwayError(
      'no_process_type',
      `Type ${update.type} not found in process formation. Types: ${names.join(', ')}.`,
    );
  }
  if (update.type === RELEASE_TYPE && update.quantity !== undefined) {
    throw new SlipwayError(
      'no_process_type',
      `Type release cannot be scaled: its command runs once for each release. Only its size can be set. Types: ${names.join(', ')}.`,
    );
  }
  return {
    type: update.type,
    quantity: wantedQuantity(current.quantity, update.quantity),
    size: update.size ?? current.size,
  };
}

/**
 * Eco and Basic are sizes of a whole app: with one process type all others take them, and leave them (reference: heroku-platform 3.8).
 * @param sizes what was asked for
 * @returns types whose size was changed
 */
function shareSize(
  rows: Map<string, FormationRow>,
  sizes: readonly { readonly type: string; readonly size: string }[],
): string[] {
  const shared = sizes.find((each) => isUnmixed(each.size));
  const other = sizes.find((each) => shared !== undefined && each.size !== shared.size);
  if (shared !== undefined && other !== undefined) {
    throw new SlipwayError(
      'invalid_params',
      `An app on ${shared.size} dynos uses that size for all process types: ${shared.type} cannot be ${shared.size} while ${other.type} is ${other.size}. Choose one of the two sizes for both.`,
    );
  }
  if (sizes.length === 0) return [];
  const changes = [...rows.values()].filter(
    ({ size }) => size !== shared?.size && (shared !== undefined || isUnmixed(size)),
  );
  for (const row of changes) rows.set(row.type, { ...row, size: shared?.size ?? DEFAULT_SIZE });
  return changes.map((row) => row.type);
}

function checkLimit({ size, quantity }: FormationRow): void {
  const most = findSize(size)?.maxDynos ?? 0;
  if (quantity <= most) return;
  throw new SlipwayError(
    'limit_reached',
    `Cannot update to more than ${most} ${size} size dynos per process type.`,
  );
}

function wantedQuantity(current: number, wanted: FormationUpdate['quantity']): number {
  if (wanted === undefined) return current;
  if (typeof wanted === 'number') return wanted;
  return Math.max(0, /^[+-]/.test(wanted) ? current + Number(wanted) : Number(wanted));
}
