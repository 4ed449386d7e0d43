import { randomUUID } from 'node:crypto';
import { posix } from 'node:path';
import { SLUG_WARN_BYTES } from '#shared/model/build.ts';
import type { ProcessTypes } from '#shared/model/procfile.ts';
import type { BuildBox } from '../runtime/runtime.ts';
import type { StoredSlug } from './archive-writer.ts';
import { type Buildpack, parseReleaseInfo, type ReleaseInfo } from './buildpacks.ts';
import { type BuildpackChoice, chooseBuildpacks } from './choice.ts';
import type { AppState, CompiledSlug, CompileOrder, CompileTools } from './compile-order.ts';
import { BuildFailure } from './failure.ts';
import { bang, detail, megabytes, step } from './output-text.ts';
import { beginningFormation, discoverTypes } from './process-types.ts';
import { type BoxedBuildpack, BuildpackScripts } from './scripts.ts';
import { type ArchiveCopy, type KnownPart, LostArchive } from './slug-store.ts';
import { type ProjectSource, tellNotes } from './source.ts';
import { archiveAhead, bringSource } from './source-transfer.ts';
import { containerAdvice, withAdvice } from './stack-advice.ts';

/** Longest time that removing a build may take, in milliseconds. */
const EMPTY_MS = 60_000;

/** Buildpacks that have taken the app, with the name that the first gives it. */
interface Taken {
  readonly buildpacks: readonly BoxedBuildpack[];
  readonly language: string;
  readonly detected: string | null;
}

/** Compiles a source with buildpacks in a build box. */
export class BuildpackCompiler {
  private readonly order: CompileOrder;
  private readonly tools: CompileTools;
  private readonly source: ProjectSource;
  private readonly state: AppState;
  /** The way out when buildpacks make nothing of the source, or null. */
  private readonly advice: string | null;
  private opened: BuildBox | null = null;
  /** What most of the new archive will be, while buildpacks work. */
  private copy: ArchiveCopy | null = null;

  constructor(order: CompileOrder, tools: CompileTools, source: ProjectSource, state: AppState) {
    this.order = order;
    this.tools = tools;
    this.source = source;
    this.state = state;
    this.advice = containerAdvice(source, order.appName);
  }

  async compile(): Promise<CompiledSlug> {
    const { phases } = this.tools;
    const { scripts, taken } = await phases.run('detect', async () => {
      const choice = await this.choose();
      const opened = await this.open(choice ?? this.tools.buildpacks);
      return { scripts: opened.scripts, taken: await this.detect(opened, choice !== null) };
    });
    this.copy = this.tools.slugs.copyAhead(await this.order.known);
    const { language, readRelease } = await phases.run('compile', () => this.runBuildpacks(scripts, taken));
    const { info, processTypes } = await phases.run('types', () => this.types(readRelease));
    const formation = this.order.first
      ? await beginningFormation(this.box, Object.keys(processTypes), this.tools.output)
      : [];
    const stored = await phases.run('pack', () => this.pack());
    const { commit, changed } = this.source;
    return {
      ...{ ...stored, id: randomUUID(), stack: this.state.stack, images: null },
      ...{ processTypes, formation, language, commit, changed, detected: taken.detected, wishes: info },
    };
  }

  async close(): Promise<void> {
    await Promise.all([this.opened?.close(), this.copy && this.tools.slugs.giveUp(this.copy)]);
  }

  /** Removes what was built, as far as that is possible, so that nothing of it is kept for the next build. */
  async empty(): Promise<void> {
    const how = { onOutput: () => undefined, signal: AbortSignal.timeout(EMPTY_MS) };
    await this.opened?.run('find . -mindepth 1 -delete', how).catch(() => undefined);
  }

  private get box(): BuildBox {
    if (this.opened === null) throw new Error('the build box is not open');
    return this.opened;
  }

  /** The buildpacks that were said; null when one is to be found by the app's files. */
  private async choose(): Promise<BuildpackChoice> {
    const { tools, source, state } = this;
    const { output, signal } = tools;
    tellNotes(source, output);
    if (source.paths.includes('heroku.yml'))
      output(detail(`heroku.yml is not used, as the stack is ${state.stack}; see \`slipway stack\`.`));
    if (source.slugIgnored > 0)
      output(step(`Deleting ${source.slugIgnored} files matching .slugignore patterns.`));
    const wish = { ...state.buildpacks, override: state.config['BUILDPACK_URL'] };
    const choice = await chooseBuildpacks(wish, source, tools.buildpackStore, {
      signal,
      note: (text) => {
        output(bang(text));
      },
    });
    output(usingText(choice));
    return choice;
  }

  /** Opens the box with the buildpacks in it and brings source and config there. */
  private async open(
    buildpacks: readonly Buildpack[],
  ): Promise<{ scripts: BuildpackScripts; boxed: readonly BoxedBuildpack[] }> {
    const { order, tools, source, state } = this;
    const boxed = buildpacks.map((each, at) => ({
      ...each,
      key: each.changeable === true ? `buildpack-${at}` : each.name,
    }));
    const whole = archiveAhead(source);
    try {
      this.opened = await tools.runtime.openBuild(
        {
          buildId: order.buildId,
          appId: order.appId,
          stack: state.stack,
          buildpacks: boxed.map((each) => ({ ...each, name: each.key })),
          clearCache: order.clearCache,
        },
        tools.signal,
      );
    } catch (error) {
      whole?.tar.destroy();
      throw error;
    }
    const { output, signal } = tools;
    await Promise.all([bringSource(this.box, source, whole, output), this.box.putEnv(state.config)]);
    return { scripts: new BuildpackScripts({ box: this.box, env: this.env(), output, signal }), boxed };
  }

  /** Asks the first buildpack that was said, or all of ours, whose the app is. */
  private async detect(
    { scripts, boxed }: { scripts: BuildpackScripts; boxed: readonly BoxedBuildpack[] },
    said: boolean,
  ): Promise<Taken> {
    const [first] = boxed;
    if (said && first !== undefined)
      return { buildpacks: boxed, language: await this.askFirst(scripts, first), detected: null };
    const found = await scripts.firstMatch(boxed);
    if (found === null) throw noBuildpack(this.tools.buildpacks, this.advice);
    this.tools.output(step(`${found.language} app detected`));
    return { buildpacks: [found.buildpack], language: found.language, detected: found.buildpack.name };
  }

  private async askFirst(scripts: BuildpackScripts, buildpack: BoxedBuildpack): Promise<string> {
    try {
      return await this.ask(scripts, buildpack);
    } catch (error) {
      if (!(error instanceof BuildFailure) || this.advice === null) throw error;
      this.tools.output(bang(this.advice));
      throw new BuildFailure(error.code, withAdvice(error.message, this.advice), error, error.said);
    }
  }

  private async ask(scripts: BuildpackScripts, buildpack: BoxedBuildpack): Promise<string> {
    const language = await scripts.detect(buildpack);
    this.tools.output(step(`${language} app detected`));
    return language;
  }

  /** Compiles with each; every one has to take the app, and the last says how it is started (reference: heroku-platform 2.4). */
  private async runBuildpacks(
    scripts: BuildpackScripts,
    taken: Taken,
  ): Promise<{ language: string; readRelease: () => ReleaseInfo }> {
    let { language } = taken;
    let readRelease = (): ReleaseInfo => ({});
    for (const [at, buildpack] of taken.buildpacks.entries()) {
      if (at > 0) language = await this.ask(scripts, buildpack);
      const last = at === taken.buildpacks.length - 1;
      await scripts.compile(buildpack, last);
      const text = await scripts.release(buildpack, last);
      readRelease = () => parseReleaseInfo(buildpack.name, text);
    }
    return { language, readRelease };
  }

  /** @param readRelease takes apart what the last buildpack's bin/release printed; meanwhile the box reads the Procfile */
  private async types(
    readRelease: () => ReleaseInfo,
  ): Promise<{ readonly info: ReleaseInfo; readonly processTypes: ProcessTypes }> {
    const procfile = this.box.readFile(posix.join(this.box.buildDir, 'Procfile'));
    procfile.catch(() => undefined);
    const info = readRelease();
    const { output } = this.tools;
    return { info, processTypes: discoverTypes(await procfile, info, this.advice, output) };
  }

  private async pack(): Promise<StoredSlug> {
    const { tools, order } = this;
    tools.output(step('Compressing...'));
    const stored = await this.assemble(await order.known);
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

  /** An archive that is lost meanwhile costs its parts only. */
  private async assemble(known: ReadonlyMap<string, KnownPart>): Promise<StoredSlug> {
    try {
      const { copy } = this;
      this.copy = null;
      return await this.tools.slugs.assemble(this.box.pack(new Set(known.keys())), known, copy ?? undefined);
    } catch (error) {
      if (!(error instanceof LostArchive)) throw error;
      return await this.assemble(new Map([...known].filter(([, { sha256 }]) => sha256 !== error.sha256)));
    }
  }

  /** What every buildpack script gets besides the box's own; config vars are files in ENV_DIR only (reference: heroku-platform 2.3). */
  private env(): Record<string, string> {
    return {
      ...this.box.env,
      STACK: this.state.stack,
      SOURCE_VERSION: this.source.commit ?? '',
      REQUEST_ID: this.order.buildId,
    };
  }
}

/** What the build log says of the buildpacks before the first is asked (reference: heroku-platform 2.5). */
function usingText(choice: BuildpackChoice): string {
  if (choice === null) return step('Determining which buildpack to use for this app');
  const [only, ...others] = choice.map((each) => each.name);
  if (others.length === 0) return step(`Using buildpack: ${only ?? ''}`);
  const list = choice.map((each, at) => detail(`${at + 1}. ${each.name}`));
  return `${step('Using buildpacks:')}${list.join('')}`;
}

function noBuildpack(buildpacks: readonly Buildpack[], advice: string | null): BuildFailure {
  const names = buildpacks.map((each) => each.name).join(', ');
  const text = `No default language could be detected for this app.\nHINT: This occurs when Slipway cannot detect the buildpack to use for this application automatically.\nThere are buildpacks for: ${names}. \`buildpacks set\` names another one.\nSee https://devcenter.heroku.com/articles/buildpacks`;
  return new BuildFailure('no_buildpack', withAdvice(text, advice));
}
