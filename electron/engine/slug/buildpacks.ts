import { access } from 'node:fs/promises';
import { join } from 'node:path';
import * as z from 'zod';
import { parse } from 'yaml';
import { BuildFailure } from './failure.ts';

/** A buildpack that the engine has. */
export interface Buildpack {
  /** Name in the registry, or its address without anything secret. */
  readonly name: string;
  readonly folder: string;
  /** True when each build needs a copy, as its scripts may write into it. Our own do not. */
  readonly changeable?: boolean;
  /** What our buildpacks share: the folder `common` beside them. */
  readonly common?: string;
}

/** Order in which buildpacks are asked whether an app is theirs (reference: heroku-platform 2.4). */
const DETECT_ORDER = [
  'ruby',
  'nodejs',
  'clojure',
  'python',
  'java',
  'gradle',
  'scala',
  'php',
  'go',
  'static',
];

/** Our buildpacks in a folder, in detect order. */
export async function findBuildpacks(folder: string): Promise<Buildpack[]> {
  const found: Buildpack[] = [];
  for (const name of DETECT_ORDER) {
    const own = join(folder, name);
    const there = await access(join(own, 'bin', 'detect')).then(
      () => true,
      () => false,
    );
    if (there) found.push({ name: `heroku/${name}`, folder: own, common: join(folder, 'common') });
  }
  return found;
}

/** What a buildpack's `bin/release` says. */
export const ReleaseInfo = z.object({
  addons: z.array(z.string()).nullish(),
  default_process_types: z.record(z.string().regex(/^[A-Za-z0-9_-]{1,63}$/), z.string()).nullish(),
  config_vars: z.record(z.string(), z.coerce.string()).nullish(),
});
export type ReleaseInfo = z.infer<typeof ReleaseInfo>;

/**
 * Reads the YAML that `bin/release` printed; nothing printed is nothing said.
 * @throws BuildFailure compile_failed
 */
export function parseReleaseInfo(buildpack: string, text: string): ReleaseInfo {
  if (text.trim() === '') return {};
  let data: unknown;
  try {
    data = parse(text);
  } catch (error) {
    throw new BuildFailure('compile_failed', `bin/release of ${buildpack} printed no valid YAML.`, error);
  }
  const parsed = ReleaseInfo.safeParse(data ?? {});
  if (parsed.success) return parsed.data;
  const [issue] = parsed.error.issues;
  throw new BuildFailure(
    'compile_failed',
    `bin/release of ${buildpack} printed YAML that does not fit: ${issue?.path.join('.') ?? ''} ${issue?.message ?? ''}.`,
  );
}
