import { isDiskFull } from '#shared/errors.ts';
import { posix } from 'node:path';
import { BUILD_TIMEOUT_MS, SLUG_WARN_BYTES } from '#shared/model/build.ts';
import { mergeProcessTypes, type ProcessTypes } from '#shared/model/procfile.ts';
import { describeFormation } from '../app/formation.ts';
import type { FormationRow } from '../store/rows.ts';
import type { BuildBox, Runtime } from '../runtime/runtime.ts';
import { RuntimeError } from '../runtime/runtime.ts';
import { type Buildpack, parseReleaseInfo, type ReleaseInfo } from './buildpacks.ts';
import { BuildFailure } from './failure.ts';
import { bang, detail, megabytes, step } from './output-text.ts';
import type { PhaseRunner } from './phases.ts';
import { readFormation } from './app-json.ts';
import type { StoredSlug } from './archive-writer.ts';
import type { KnownPart, SlugStore } from './slug-store.ts';
import { badLines, readProcfile } from './procfile.ts';
import { type ProjectSource, readSource } from './source.ts';

/** What shall be compiled. */
export interface CompileOrder {
  readonly buildId: string;
  readonly appId: string;
  readonly stack: string;
  readonly folder: string;
  readonly config: Readonly<Record<string, string>>;
  /** Parts of the app's older slugs, by key. */
  readonly known: ReadonlyMap<string, KnownPart>;
  readonly clearCache: boolean;
  /** True when the app has no code yet: only then `app.json` counts. */
  readonly first: boolean;
}

/** What compiling works with. */
export interface CompileTools {
  readonly runtime: Runtime;
  readonly slugs: SlugStore;
  /** All buildpacks, in detect order. */
  readonly buildpacks: readonly Buildpack[];
  readonly phases: PhaseRunner;
  /** Takes the build log as it grows. */
  readonly output: (text: string) => void;
  readonly signal: AbortSignal;
}

/** A compiled app. */
export interface CompiledSlug extends StoredSlug {
  readonly processTypes: ProcessTypes;
  /** Formation that `app.json` asks for; empty when it asks for none, or the app has one. */
  readonly formation: readonly FormationRow[];
  /** What the buildpack's detect printed. */
  readonly language: string;
  readonly commit: string | null;
}

/**
 * Compiles a folder to a slug: source → stack → detect → compile → types → pack (reference: heroku-platform 2.1).
 * Whatever happens the build box is closed and no half-made archive stays.
 * @throws BuildFailure with the code of what failed; its message is already in the build log
 */
export async function compileSlug(order: CompileOrder, tools: CompileTools): Promise<CompiledSlug> {
  const { phases, runtime, output } = tools;
  const source = await phases.run('source', () => readSource(order.folder));
  await phases.run('stack', () =>
    runtime.prepare(
      order.stack,
      (text) => {
        output(detail(text));
      },
      tools.signal,
    ),
  );
  output(step(`Building on the ${stackTitle(order.stack)} stack`));
  const box = await runtime.openBuild(
    {
      buildId: order.buildId,
      appId: order.appId,
      stack: order.stack,
      buildpacks: tools.buildpacks,
      clearCache: order.clearCache,
    },
    tools.signal,
  );
  const overdue = AbortSignal.timeout(BUILD_TIMEOUT_MS);
  const compiler = new Compiler(
    order,
    { ...tools, signal: AbortSignal.any([tools.signal, overdue]) },
    source,
    box,
  );
  try {
    return await compiler.compile();
  } catch (error) {
    if (!overdue.aborted || tools.signal.aborted) throw error;
    throw new BuildFailure(
      'compile_timeout',
      `The build timed out; it must complete in ${BUILD_TIMEOUT_MS / 1000} seconds.`,
      error,
    );
  } finally {
    await box.close();
  }
}

class Compiler {
  private readonly order: CompileOrder;
  private readonly tools: CompileTools;
  private readonly source: ProjectSource;
  private readonly box: BuildBox;

  constructor(order: CompileOrder, tools: CompileTools, source: ProjectSource, box: BuildBox) {
    this.order = order;
    this.tools = tools;
    this.source = source;
    this.box = box;
  }

  async compile(): Promise<CompiledSlug> {
    const { phases } = this.tools;
    const { buildpack, language } = await phases.run('detect', () => this.detect());
    const info = await phases.run('compile', () => this.runBuildpack(buildpack));
    const processTypes = await phases.run('types', () => this.discoverTypes(info));
    const formation = this.order.first ? await this.readFormation(Object.keys(processTypes)) : [];
    const stored = await phases.run('pack', () => this.pack());
    return { ...stored, processTypes, formation, language, commit: this.source.commit };
  }

  /** Brings the source into the box and asks the buildpacks whose it is. */
  private async detect(): Promise<{ buildpack: Buildpack; language: string }> {
    const { box, source, tools } = this;
    for (const note of source.notes.slice(0, 20)) tools.output(detail(note));
    if (source.slugIgnored > 0) {
      tools.output(step(`Deleting ${source.slugIgnored} files matching .slugignore patterns.`));
    }
    const { tar, done } = source.openTar();
    await Promise.all([box.putSource(tar), done, box.putEnv(this.order.config)]);
    tools.output(step('Determining which buildpack to use for this app'));
    const found = await this.firstMatch();
    if (found === null) {
      throw new BuildFailure(
        'no_buildpack',
        `No default language could be detected for this app.\nHINT: This occurs when Slipway cannot tell by its files which buildpack an app needs. There are buildpacks for: ${tools.buildpacks.map((each) => each.name).join(', ')}.`,
      );
    }
    tools.output(step(`${found.language} app detected`));
    return found;
  }

  private async firstMatch(): Promise<{ buildpack: Buildpack; language: string } | null> {
    const { box, tools } = this;
    const chunks: Buffer[] = [];
    const asks = tools.buildpacks.map(
      (each, index) =>
        `if out=$(${quote(`${box.buildpackDir(each.name)}/bin/detect`)} ${quote(box.buildDir)} 2>/dev/null); then printf '%s\\n%s' ${index} "$out"; exit 0; fi`,
    );
    const code = await box.run([...asks, 'exit 1'].join('\n'), {
      env: this.env(),
      onOutput: (chunk) => chunks.push(chunk),
      signal: tools.signal,
    });
    const [index = '', ...name] = Buffer.concat(chunks).toString().split('\n');
    const buildpack = tools.buildpacks[Number(index)];
    return code === 0 && buildpack !== undefined
      ? { buildpack, language: name.join(' ').trim() || buildpack.name }
      : null;
  }

  private async runBuildpack(buildpack: Buildpack): Promise<ReleaseInfo> {
    const { box, tools } = this;
    const bin = `${box.buildpackDir(buildpack.name)}/bin`;
    const code = await box.run(
      `exec ${[`${bin}/compile`, box.buildDir, box.cacheDir, box.envDir].map(quote).join(' ')}`,
      { env: this.env(), onOutput: decoded(tools.output), signal: tools.signal },
    );
    tools.signal.throwIfAborted();
    if (code !== 0) {
      throw new BuildFailure(
        'compile_failed',
        `The ${buildpack.name} buildpack could not compile the app (exit code ${code}). The build log above says why.`,
      );
    }
    const chunks: Buffer[] = [];
    const release = [`${bin}/release`, box.buildDir].map(quote).join(' ');
    await box.run(
      `rm -rf .git .gitmodules .DS_Store tmp log; if [ -x ${quote(`${bin}/release`)} ]; then ${release} 2>/dev/null; fi`,
      { env: this.env(), onOutput: (chunk) => chunks.push(chunk), signal: tools.signal },
    );
    return parseReleaseInfo(buildpack.name, Buffer.concat(chunks).toString());
  }

  private async discoverTypes(info: ReleaseInfo): Promise<ProcessTypes> {
    const { tools } = this;
    const declared = await this.readTypes();
    const defaults = info.default_process_types ?? {};
    const types = mergeProcessTypes(declared, defaults);
    tools.output(step('Discovering process types'));
    tools.output(detail(`Procfile declares types     -> ${names(declared)}`));
    const added = Object.keys(defaults).filter((type) => !(type in declared));
    if (added.length > 0) tools.output(detail(`Default types for buildpack -> ${added.join(', ')}`));
    if (Object.keys(types).length === 0) {
      throw new BuildFailure(
        'procfile_invalid',
        'The app says nowhere how it is started: it has no Procfile, and the buildpack found no default (a Node.js app needs a "start" script in package.json). Add a file named Procfile with a line such as\nweb: node server.js',
      );
    }
    return types;
  }

  private async readTypes(): Promise<ProcessTypes> {
    const { box, tools } = this;
    const procfile = readProcfile(await box.readFile(posix.join(box.buildDir, 'Procfile')));
    if (procfile.problems.length > 0)
      tools.output(
        bang(
          `Warning: lines of the Procfile that are not "type: command" are skipped:\n${badLines(procfile)}`,
        ),
      );
    return procfile.types;
  }

  /** What is wrong with `app.json` is a warning, whatever it is. */
  private async readFormation(types: readonly string[]): Promise<readonly FormationRow[]> {
    const { box, tools } = this;
    try {
      const bytes = await box.readFile(posix.join(box.buildDir, 'app.json'));
      if (bytes === null) return [];
      const { rows, warnings } = readFormation(bytes.toString('utf8'), types);
      for (const text of warnings) tools.output(bang(`Warning: ${text}`));
      if (rows.length > 0) tools.output(detail(`Formation of app.json       -> ${describeFormation(rows)}`));
      return rows;
    } catch (error) {
      if (!(error instanceof RuntimeError) || error.code !== 'too_large') throw error;
      tools.output(bang('Warning: app.json is too large to be read, so its formation is not used.'));
      return [];
    }
  }

  private async pack(): Promise<StoredSlug> {
    const { box, tools, order } = this;
    tools.output(step('Compressing...'));
    const stored = await tools.slugs.assemble(box.pack(new Set(order.known.keys())), order.known);
    tools.output(detail(`Done: ${megabytes(stored.size)}`));
    if (stored.size > SLUG_WARN_BYTES) {
      const [size, limit] = [stored.size, SLUG_WARN_BYTES].map((bytes) => Math.round(bytes / 2 ** 20));
      tools.output(
        bang(
          `Warning: Your slug size (${size} MB) exceeds our soft limit (${limit} MB) which may affect boot time.`,
        ),
      );
    }
    return stored;
  }

  /** What every buildpack script gets besides the box's own; config vars are files in ENV_DIR only (reference: heroku-platform 2.3). */
  private env(): Record<string, string> {
    return {
      ...this.box.env,
      STACK: this.order.stack,
      SOURCE_VERSION: this.source.commit ?? '',
      REQUEST_ID: this.order.buildId,
    };
  }
}

/** A thrown value as the build's failure. */
export function toBuildFailure(error: unknown, signal: AbortSignal): BuildFailure {
  if (signal.aborted) return new BuildFailure('cancelled', 'The build was cancelled.', error);
  if (error instanceof BuildFailure) return error;
  if (error instanceof RuntimeError) {
    const code = error.code === 'stack_failed' || error.code === 'disk_full' ? error.code : 'internal';
    return new BuildFailure(code, error.message, error);
  }
  if (isDiskFull(error)) {
    const text = 'The disk that the data folder is on is full. Free some space, and deploy again.';
    return new BuildFailure('disk_full', text, error);
  }
  return new BuildFailure(
    'internal',
    `The build failed inside Slipway: ${error instanceof Error ? error.message : String(error)}.`,
    error,
  );
}

function stackTitle(stack: string): string {
  return stack.replace(/^./, (letter) => letter.toUpperCase());
}

function names(types: ProcessTypes): string {
  return Object.keys(types).join(', ') || '(none)';
}

function quote(word: string): string {
  return `'${word.replaceAll("'", "'\\''")}'`;
}

/** Decodes chunks that may be cut within a character. */
function decoded(output: (text: string) => void): (chunk: Buffer) => void {
  const decoder = new TextDecoder();
  return (chunk) => {
    output(decoder.decode(chunk, { stream: true }));
  };
}
