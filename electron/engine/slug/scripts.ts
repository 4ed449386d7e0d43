import { randomUUID } from 'node:crypto';
import { quote } from '../runtime/box/tools.ts';
import type { BuildBox } from '../runtime/runtime.ts';
import type { Buildpack } from './buildpacks.ts';
import { BuildFailure } from './failure.ts';
import { detail, step } from './output-text.ts';
import { SafeText } from './safe-text.ts';

/** Most of a script's output that is read as an answer, in bytes. */
const MAX_ANSWER = 256 * 1024;
const MORE_INFO = 'More info: https://devcenter.heroku.com/articles/buildpacks#detection-failure';

/** Removes what no slug has, with a program only where there is some of it. */
const REMOVE =
  'for name in .git .gitmodules .DS_Store tmp log; do [ ! -e $name ] && [ ! -L $name ] || rm -rf $name; done';

/** A buildpack of a build, with the name that the box has it by. */
export interface BoxedBuildpack extends Buildpack {
  readonly key: string;
}

/** What scripts run with. */
export interface ScriptContext {
  readonly box: BuildBox;
  /** Variables besides the box's own. */
  readonly env: Readonly<Record<string, string>>;
  readonly output: (text: string) => void;
  readonly signal: AbortSignal;
}

/** The scripts of a build's buildpacks (reference: heroku-platform 2.2). What one exports, those behind it are given. */
export class BuildpackScripts {
  private readonly context: ScriptContext;
  private readonly exports: string[] = [];

  constructor(context: ScriptContext) {
    this.context = context;
  }

  /** Asks buildpacks one after the other; null when the app is none's. */
  async firstMatch(
    buildpacks: readonly BoxedBuildpack[],
  ): Promise<{ buildpack: BoxedBuildpack; language: string } | null> {
    const { buildDir } = this.context.box;
    const asks = buildpacks.map(
      (each, index) =>
        `if out=$(${this.start(each, 'detect')} ${quote(buildDir)} 2>/dev/null); then printf '%s\\n%s' ${index} "$out"; exit 0; fi`,
    );
    const { code, text } = await this.ask([...asks, 'exit 1'].join('\n'));
    const [index = '', ...name] = text.split('\n');
    const buildpack = buildpacks[Number(index)];
    if (code !== 0 || buildpack === undefined) return null;
    return { buildpack, language: oneLine(name.join(' ')) || buildpack.name };
  }

  /**
   * Asks a buildpack that was chosen.
   * @returns the name that it gives the app
   * @throws BuildFailure detect_failed; the build log has the platform's words
   */
  async detect(buildpack: BoxedBuildpack): Promise<string> {
    const { box, output, signal } = this.context;
    // What it writes to standard error comes first.
    const mark = randomUUID();
    const { code, text } = await this.ask(
      `${this.prelude()}out=$(${this.start(buildpack, 'detect')} ${quote(box.buildDir)}); code=$?
printf '%s%s' ${mark} "$out"; exit $code`,
    );
    signal.throwIfAborted();
    const [errors = '', name = ''] = text.split(mark);
    if (code === 0) return oneLine(name) || buildpack.name;
    const why = `${errors}${name}`.trimEnd();
    output(step(`App not compatible with buildpack: ${buildpack.name}`));
    output(detail(why === '' ? MORE_INFO : why));
    throw new BuildFailure(
      'detect_failed',
      `The app is not compatible with the buildpack ${buildpack.name}: its bin/detect ended with exit code ${code}. The build log says why; \`buildpacks\` shows and changes what the app uses.`,
      undefined,
      true,
    );
  }

  /**
   * Compiles with one buildpack.
   * @param last no buildpack follows: nobody writes any more into what it has taken from the last build
   * @throws BuildFailure compile_failed
   */
  async compile(buildpack: BoxedBuildpack, last: boolean): Promise<void> {
    const { box, env, output, signal } = this.context;
    // Only ours is believed.
    const kept = last && buildpack.changeable !== true ? box.keptList : null;
    const dirs = [box.buildDir, box.cacheDir, box.envDir].map(quote).join(' ');
    const code = await box.run(`${this.prelude()}exec ${this.start(buildpack, 'compile')} ${dirs}`, {
      env: kept === null ? env : { ...env, SLIPWAY_KEPT: kept },
      onOutput: decoded(output),
      signal,
    });
    signal.throwIfAborted();
    if (code !== 0) {
      throw new BuildFailure(
        'compile_failed',
        `The ${buildpack.name} buildpack could not compile the app (exit code ${code}). The build log above says why.`,
      );
    }
    this.exports.push(`${box.buildpackDir(buildpack.key)}/export`);
  }

  /**
   * What a buildpack's `bin/release` prints, see `parseReleaseInfo`; nothing when it has none.
   * @param last no buildpack follows: what no slug has is removed (reference: heroku-platform 2.1)
   * @throws BuildFailure compile_failed
   */
  async release(buildpack: BoxedBuildpack, last: boolean): Promise<string> {
    const script = this.script(buildpack, 'release');
    const { code, text } = await this.ask(
      `${this.prelude()}if [ -x ${script} ]; then ${this.start(buildpack, 'release')} ${quote(this.context.box.buildDir)} 2>/dev/null; fi${
        last ? `\ncode=$?; ${REMOVE}; exit $code` : ''
      }`,
    );
    if (code === 0) return text;
    throw new BuildFailure(
      'compile_failed',
      `bin/release of ${buildpack.name} ended with exit code ${code}. Run it by hand on the app's folder to see why.`,
    );
  }

  private script({ key }: BoxedBuildpack, name: string): string {
    return quote(`${this.context.box.buildpackDir(key)}/bin/${name}`);
  }

  /** Ours are all for bash: to start it at once spares the program that their first line asks for it. */
  private start(buildpack: BoxedBuildpack, name: string): string {
    return `${buildpack.changeable === true ? '' : 'bash '}${this.script(buildpack, name)}`;
  }

  private prelude(): string {
    return this.exports.map((path) => `if [ -f ${quote(path)} ]; then . ${quote(path)}; fi\n`).join('');
  }

  private async ask(script: string): Promise<{ code: number; text: string }> {
    const { box, env, signal } = this.context;
    const chunks: Buffer[] = [];
    let size = 0;
    const onOutput = (chunk: Buffer): void => {
      size += chunk.length;
      if (size <= MAX_ANSWER) chunks.push(chunk);
    };
    const code = await box.run(script, { env, onOutput, signal });
    return { code, text: new SafeText().write(Buffer.concat(chunks).toString()) };
  }
}

function oneLine(text: string): string {
  return text.replace(/\s+/g, ' ').trim().slice(0, 200);
}

/** Decodes chunks that may be cut within a character. */
function decoded(output: (text: string) => void): (chunk: Buffer) => void {
  const decoder = new TextDecoder();
  const safe = new SafeText();
  return (chunk) => {
    output(safe.write(decoder.decode(chunk, { stream: true })));
  };
}
