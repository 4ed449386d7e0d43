import * as z from 'zod';
import { RELEASE_TYPE } from '#shared/model/release.ts';
import { DEFAULT_SIZE, DYNO_SIZES, findSize, isUnmixed } from '#shared/model/size.ts';
import type { FormationRow } from '../store/rows.ts';

/** What an app's `app.json` says of its formation. */
export interface DeclaredFormation {
  /** One row for each process type of the app; none when nothing is said. */
  readonly rows: readonly FormationRow[];
  /** What could not be used, a sentence each. */
  readonly warnings: readonly string[];
}

const AppJson = z.looseObject({ formation: z.record(z.string(), z.unknown()).optional() });
const Entry = z.looseObject({ quantity: z.unknown().optional(), size: z.unknown().optional() });
const Quantity = z.number().int().min(0).optional();
const Size = z.string().optional();

/**
 * Reads the formation with which an app begins (reference: heroku-platform 1.3). What is wrong in it is skipped with a warning and never
 * fails a deploy.
 * @param text content of `app.json`
 * @param types process types that the app has
 */
export function readFormation(text: string, types: readonly string[]): DeclaredFormation {
  const warnings: string[] = [];
  const declared = parse(text, warnings);
  const wishes = new Map<string, Wish>();
  for (const [type, value] of Object.entries(declared)) {
    if (types.includes(type)) wishes.set(type, readWish(type, value, warnings));
    else
      warnings.push(
        `formation of app.json: there is no process type "${type}", so it is skipped. Types: ${types.join(', ')}.`,
      );
  }
  if (wishes.size === 0) return { rows: [], warnings };
  const shared = sharedSize(wishes, warnings);
  const rows = types.flatMap((type) => {
    const wish = wishes.get(type);
    if (type === RELEASE_TYPE && wish === undefined && shared === null) return [];
    const size = shared ?? wish?.size ?? DEFAULT_SIZE;
    const first = type === 'web' ? 1 : 0;
    return [{ type, size, quantity: limited(type, wish?.quantity ?? first, size, warnings) }];
  });
  return { rows, warnings };
}

interface Wish {
  readonly quantity: number | undefined;
  /** Canonical name. */
  readonly size: string | undefined;
}

function parse(text: string, warnings: string[]): Record<string, unknown> {
  let json: unknown;
  try {
    json = JSON.parse(text.replace(/^\uFEFF/, ''));
  } catch (error) {
    const reason = error instanceof Error ? error.message : String(error);
    warnings.push(`app.json is no valid JSON, so its formation is not used: ${reason}.`);
    return {};
  }
  const parsed = AppJson.safeParse(json);
  if (parsed.success) return parsed.data.formation ?? {};
  warnings.push(
    'formation of app.json is not used: it has to look like {"web": {"quantity": 1, "size": "standard-1x"}}.',
  );
  return {};
}

function readWish(type: string, value: unknown, warnings: string[]): Wish {
  const entry = Entry.safeParse(value);
  if (!entry.success) {
    warnings.push(
      `formation of app.json: ${type} has to look like {"quantity": 1, "size": "standard-1x"}; it is skipped.`,
    );
    return { quantity: undefined, size: undefined };
  }
  const quantity = Quantity.safeParse(entry.data.quantity);
  if (!quantity.success)
    warnings.push(`formation of app.json: the quantity of ${type} is not used, as it is no whole number.`);
  const size = Size.safeParse(entry.data.size);
  const found = size.data === undefined ? undefined : findSize(size.data)?.name;
  if (!size.success || (size.data !== undefined && found === undefined)) {
    const names = DYNO_SIZES.map((each) => each.name.toLowerCase()).join(', ');
    warnings.push(`formation of app.json: the size of ${type} is not used, as it is none of ${names}.`);
  }
  const counts = quantity.success && type !== RELEASE_TYPE;
  if (type === RELEASE_TYPE && (quantity.data ?? 0) > 0)
    warnings.push('formation of app.json: release has no quantity, as it runs once for each release.');
  return { quantity: counts ? quantity.data : undefined, size: found };
}

/** The size of all types when one of them is Eco or Basic, else null (reference: heroku-platform 3.8). */
function sharedSize(wishes: ReadonlyMap<string, Wish>, warnings: string[]): string | null {
  const sizes = [...wishes.values()].flatMap(({ size }) => size ?? []);
  const shared = sizes.find((size) => isUnmixed(size)) ?? null;
  if (shared !== null && sizes.some((size) => size !== shared))
    warnings.push(
      `formation of app.json: an app on ${shared} dynos uses that size for all process types, so all begin as ${shared}.`,
    );
  return shared;
}

function limited(type: string, quantity: number, size: string, warnings: string[]): number {
  const most = findSize(size)?.maxDynos ?? 0;
  if (quantity <= most) return quantity;
  warnings.push(
    `formation of app.json: there can be no more than ${most} ${size} dynos of a process type, so ${type} begins with ${most}.`,
  );
  return most;
}
