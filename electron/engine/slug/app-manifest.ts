import * as z from 'zod';
import { BuildpackRef } from '#shared/model/buildpack.ts';
import { ConfigName } from '#shared/model/config.ts';
import { StackName } from '#shared/model/stack.ts';

/** A config var that `app.json` asks for. */
export interface AskedVar {
  readonly name: string;
  readonly description: string;
  /** What it is unless somebody says otherwise, or null. */
  readonly value: string | null;
  /** False when the app runs without it. */
  readonly required: boolean;
  /** True when a random value is to be made for it. */
  readonly secret: boolean;
}

/** What `app.json` says of an app that is made, besides its formation (reference: heroku-platform 1.3). */
export interface AppManifest {
  readonly env: readonly AskedVar[];
  readonly buildpacks: readonly string[];
  /** Names of add-on plans. */
  readonly addons: readonly string[];
  /** Name of the stack, or null. */
  readonly stack: string | null;
  /** Command to run once, or null. */
  readonly postdeploy: string | null;
  /** What could not be used, a sentence each. */
  readonly warnings: readonly string[];
}

const Text = z.union([z.string(), z.number(), z.boolean()]).transform(String);
const Var = z.union([
  Text.transform((value) => ({ value })),
  z.looseObject({
    description: z.string().optional(),
    value: Text.nullish(),
    required: z.boolean().optional(),
    generator: z.string().optional(),
  }),
]);
const Buildpack = z.union([z.string(), z.looseObject({ url: z.string() }).transform(({ url }) => url)]);
const Addon = z.union([z.string(), z.looseObject({ plan: z.string() }).transform(({ plan }) => plan)]);
const Manifest = z.looseObject({
  env: z.record(z.string(), z.unknown()).optional().catch(undefined),
  buildpacks: z.array(z.unknown()).optional().catch(undefined),
  addons: z.array(z.unknown()).optional().catch(undefined),
  stack: z.unknown().optional(),
  scripts: z.looseObject({ postdeploy: z.unknown().optional() }).optional().catch(undefined),
});

const NOTHING: AppManifest = {
  ...{ env: [], buildpacks: [], addons: [], stack: null, postdeploy: null, warnings: [] },
};

/** Reads `app.json`. What is wrong in it is left out with a warning. @param text null when there is no such file */
export function readManifest(text: string | null): AppManifest {
  const json = text === null ? undefined : parse(text);
  if (json === undefined) return NOTHING;
  const manifest = Manifest.safeParse(json);
  if (!manifest.success) return { ...NOTHING, warnings: ['app.json is no JSON object, so it is not used.'] };
  const { env = {}, buildpacks = [], addons = [], stack, scripts } = manifest.data;
  const warnings: string[] = [];
  const postdeploy = z.string().trim().min(1).max(10_000).safeParse(scripts?.postdeploy);
  if (scripts?.postdeploy !== undefined && !postdeploy.success)
    warnings.push('scripts.postdeploy of app.json is not used: it has to be one command.');
  return {
    env: Object.entries(env).flatMap(([name, value]) => readVar(name, value, warnings)),
    buildpacks: buildpacks.flatMap((each) =>
      readEntry(Buildpack.pipe(BuildpackRef), 'buildpacks', each, warnings),
    ),
    addons: addons.flatMap((each) => readEntry(Addon, 'addons', each, warnings)),
    stack: stack === undefined ? null : (readEntry(StackName, 'stack', stack, warnings)[0] ?? null),
    postdeploy: postdeploy.data ?? null,
    warnings,
  };
}

/** What is no JSON is told with the formation. */
function parse(text: string): unknown {
  try {
    return JSON.parse(text.replace(/^\uFEFF/, ''));
  } catch {
    return undefined;
  }
}

function readVar(name: string, value: unknown, warnings: string[]): AskedVar[] {
  const named = ConfigName.safeParse(name);
  const found = Var.safeParse(value);
  if (!named.success || !found.success) {
    const reason = named.error?.issues[0]?.message ?? 'it has to be a text, or an object with a value';
    warnings.push(`env of app.json: ${name} is skipped: ${reason}.`);
    return [];
  }
  const { data } = found;
  const details = 'required' in data || 'generator' in data || 'description' in data ? data : null;
  return [
    {
      name,
      description: typeof details?.description === 'string' ? details.description : '',
      value: data.value ?? null,
      required: details?.required !== false,
      secret: details?.generator === 'secret',
    },
  ];
}

function readEntry(
  schema: z.ZodType<string>,
  list: string,
  value: unknown,
  warnings: string[],
): readonly string[] {
  const parsed = schema.safeParse(value);
  if (parsed.success) return [parsed.data];
  warnings.push(`${list} of app.json: ${JSON.stringify(value).slice(0, 200)} is skipped, as it names none.`);
  return [];
}
