import * as z from 'zod';

/** Config vars of an app: name → value. */
export type ConfigVars = Readonly<Record<string, string>>;

/** Largest sum of all names and values of one app, in bytes (reference: heroku-platform 6.3). */
export const CONFIG_MAX_BYTES = 64 * 1024;

/** Name of a config var: letters, digits and `_`; `__` and `HEROKU_` starts are the platform's (reference: heroku-platform 6.3). */
export const ConfigName = z
  .string()
  .max(255)
  .regex(
    /^[A-Za-z_][A-Za-z0-9_]*$/,
    'a config var name is made of letters, digits and "_" and does not start with a digit',
  )
  .refine((name) => !name.startsWith('__'), 'a config var name does not start with "__"')
  .refine(
    (name) => !name.startsWith('HEROKU_'),
    'names that start with "HEROKU_" are reserved by the platform',
  );

const ConfigValue = z
  .string()
  .refine((value) => !value.includes('\0'), 'a config value has no NUL character');

/** A change of config vars; null removes. */
export const ConfigChange = z.record(ConfigName, ConfigValue.nullable());
export type ConfigChange = z.infer<typeof ConfigChange>;

/** Sum of all names and values in bytes of UTF-8. */
export function configBytes(vars: ConfigVars): number {
  const encoder = new TextEncoder();
  return Object.entries(vars).reduce(
    (sum, [name, value]) => sum + encoder.encode(name).length + encoder.encode(value).length,
    0,
  );
}

/** Result of applying a change. */
export interface AppliedConfig {
  readonly vars: ConfigVars;
  /** Names whose value is new or different, sorted. */
  readonly set: readonly string[];
  /** Names that were there and are gone, sorted. */
  readonly removed: readonly string[];
}

/** Applies a change; names that already have the wanted value are in neither list. */
export function applyConfig(current: ConfigVars, change: ConfigChange): AppliedConfig {
  const vars: Record<string, string> = { ...current };
  const set: string[] = [];
  const removed: string[] = [];
  for (const [name, value] of Object.entries(change)) {
    if (value === null) {
      if (!Object.hasOwn(vars, name)) continue;
      delete vars[name];
      removed.push(name);
    } else if (vars[name] !== value) {
      vars[name] = value;
      set.push(name);
    }
  }
  return { vars, set: set.sort(), removed: removed.sort() };
}

/** Description of the release that a change makes (reference: heroku-platform 6.1), or null when nothing changed. */
export function describeConfigChange(applied: Pick<AppliedConfig, 'set' | 'removed'>): string | null {
  const parts: string[] = [];
  if (applied.set.length > 0) parts.push(`Set ${applied.set.join(', ')} config vars`);
  if (applied.removed.length > 0) parts.push(`Remove ${applied.removed.join(', ')} config vars`);
  return parts.length > 0 ? parts.join(', ') : null;
}
