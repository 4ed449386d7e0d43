import { LineCounter, parseDocument } from 'yaml';
import * as z from 'zod';
import { ConfigName } from '#shared/model/config.ts';
import { ProcessType } from '#shared/model/names.ts';
import { RELEASE_TYPE } from '#shared/model/release.ts';
import { BuildFailure } from './failure.ts';

/** An image that is to be built. */
export interface ImageBuild {
  readonly type: string;
  /** Path in the source; its folder is what the Dockerfile works with. */
  readonly dockerfile: string;
  /** Stage to stop at, or null for the last. */
  readonly target: string | null;
}

/** How a process type is started. */
export interface ImageRun {
  /** Type of the build whose image it uses. */
  readonly image: string;
  /** Null: as the image says. */
  readonly command: string | null;
}

/** What a source for stack `container` is built to (reference: heroku-platform 1.4). */
export interface ImagePlan {
  readonly builds: readonly ImageBuild[];
  /** Build arguments of all builds. */
  readonly args: Readonly<Record<string, string>>;
  /** By process type, `release` included. */
  readonly runs: Readonly<Record<string, ImageRun>>;
  /** What a new app gets. */
  readonly config: Readonly<Record<string, string>>;
  readonly addons: readonly string[];
}

/** A source without `heroku.yml`: its Dockerfile is the web process. */
export const DOCKERFILE_PLAN: ImagePlan = {
  builds: [{ type: 'web', dockerfile: 'Dockerfile', target: null }],
  args: {},
  runs: { web: { image: 'web', command: null } },
  config: {},
  addons: [],
};

const Value = z.union([z.string(), z.number(), z.boolean()]).transform(String);
const Path = z
  .string()
  .trim()
  .min(1, 'it has to name a Dockerfile')
  .max(1_000)
  .transform((path) => path.replace(/^\.\//, ''))
  .refine((path) => !path.startsWith('/') && !path.split('/').includes('..'), {
    error: 'it has to be a path within the source',
  });
const Build = z.union([
  Path.transform((dockerfile) => ({ dockerfile, target: null })),
  z
    .strictObject({ dockerfile: Path, target: z.string().trim().min(1).max(200).optional() })
    .transform(({ dockerfile, target }) => ({ dockerfile, target: target ?? null })),
]);
const Command = z.union([
  z.string().trim().min(1).max(10_000),
  z
    .array(z.string().trim().min(1).max(10_000))
    .min(1)
    .transform((words) => words.join(' ')),
]);
const Run = z.union([
  Command.transform((command) => ({ command, image: null })),
  z
    .strictObject({ command: Command.optional(), image: z.string().trim().min(1).optional() })
    .transform(({ command, image }) => ({ command: command ?? null, image: image ?? null })),
]);
const Addon = z.union([z.string(), z.looseObject({ plan: z.string() }).transform(({ plan }) => plan)]);

const HerokuYml = z.strictObject({
  setup: z
    .strictObject({
      addons: z.array(Addon).nullish(),
      config: z.record(ConfigName, Value).nullish(),
      'app-overrides': z.unknown().optional(),
    })
    .nullish(),
  build: z.strictObject({
    docker: z.record(ProcessType, Build),
    config: z
      .record(z.string().regex(/^[A-Za-z_]\w*$/, 'it is no name of a build argument'), Value)
      .nullish(),
  }),
  release: z
    .strictObject({ command: Command.optional(), image: z.string().trim().min(1).optional() })
    .nullish(),
  run: z.record(ProcessType, Run).nullish(),
});

/**
 * Reads a `heroku.yml`.
 * @throws BuildFailure heroku_yml_invalid naming line or key, what is wrong and what it has to be
 */
export function readHerokuYml(text: string): ImagePlan {
  const parsed = HerokuYml.safeParse(parseYaml(text));
  if (!parsed.success) throw invalid(parsed.error.issues.map(issueText));
  const { setup, build, release, run } = parsed.data;
  const builds = Object.entries(build.docker).map(([type, each]) => ({ type, ...each }));
  if (builds.length === 0)
    throw invalid(['build.docker names no image: write a line such as "web: Dockerfile"']);
  const runs: Record<string, ImageRun> = {};
  // An image that the sections `run` and `release` do not name runs its own command.
  for (const { type } of builds) runs[type] = { image: type, command: null };
  for (const [type, { command, image }] of Object.entries(run ?? {}))
    runs[type] = { command, image: imageOf(`run.${type}`, image, type, builds) };
  if (release?.command !== undefined || release?.image !== undefined)
    runs[RELEASE_TYPE] = {
      command: release.command ?? null,
      image: imageOf('release', release.image ?? null, RELEASE_TYPE, builds),
    };
  return {
    builds,
    args: build.config ?? {},
    runs,
    config: setup?.config ?? {},
    addons: setup?.addons ?? [],
  };
}

/** The image that a process type uses: the one that is named, else its own, else that of `web`, else the only one. */
function imageOf(place: string, named: string | null, type: string, builds: readonly ImageBuild[]): string {
  const types = builds.map((each) => each.type);
  if (named !== null && types.includes(named)) return named;
  const list = types.join(', ');
  if (named !== null)
    throw invalid([`${place}.image is "${named}", which build.docker does not build; it builds ${list}`]);
  const found = types.find((each) => each === type) ?? types.find((each) => each === 'web');
  if (found !== undefined) return found;
  const [only, ...others] = types;
  if (only !== undefined && others.length === 0) return only;
  throw invalid([`${place} has to say which image it uses: add "image:" with one of ${list}`]);
}

function parseYaml(text: string): unknown {
  const lineCounter = new LineCounter();
  const document = parseDocument(text, { lineCounter, prettyErrors: false, maxAliasCount: 100 } as object);
  const [problem] = document.errors;
  if (problem !== undefined) {
    const { line, col } = lineCounter.linePos(problem.pos[0]);
    throw invalid([`line ${line}, column ${col}: ${problem.message}`]);
  }
  try {
    return document.toJS({ maxAliasCount: 100 });
  } catch (error) {
    throw invalid([error instanceof Error ? error.message : String(error)]);
  }
}

function issueText(issue: z.core.$ZodIssue): string {
  const place = issue.path.length === 0 ? 'the file' : issue.path.join('.');
  if (issue.code === 'unrecognized_keys') {
    const keys = issue.keys.map((key) => (issue.path.length === 0 ? key : `${place}.${key}`));
    return `${keys.join(', ')} is not known`;
  }
  if (issue.code === 'invalid_union') {
    const inner = issue.errors.flat().find((each) => each.path.length > 0 || each.code === 'custom');
    if (inner === undefined) return `${place}: ${shapeOf(issue.path)}`;
    return inner.path.length === 0 ? `${place}: ${inner.message}` : `${place}.${issueText(inner)}`;
  }
  if (issue.code === 'invalid_key')
    return `${place}: ${issue.issues.map((each) => each.message).join('; ') || 'this name is not possible'}`;
  return `${place}: ${issue.message}`;
}

/** What stands where none of several forms was found. */
function shapeOf([section, ...rest]: readonly PropertyKey[]): string {
  if (section === 'build' && rest[0] === 'docker')
    return 'it has to be the path of a Dockerfile, or "dockerfile:" and "target:"';
  if (section === 'run' || section === 'release') return 'it has to be a command, or "command:" and "image:"';
  return 'it has to be a text';
}

function invalid(problems: readonly string[]): BuildFailure {
  const list = problems.map((problem) => `- ${problem}.`).join('\n');
  return new BuildFailure(
    'heroku_yml_invalid',
    `heroku.yml cannot be used:\n${list}\nIt has to look like\nbuild:\n  docker:\n    web: Dockerfile`,
  );
}
