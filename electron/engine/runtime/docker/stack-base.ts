import { spawn } from 'node:child_process';
import { once } from 'node:events';
import { RuntimeError } from '../runtime.ts';
import type { Daemon } from './daemon.ts';
import { isAbort, reasonOf } from './errors.ts';
import { importImage, inspectImage, pullImage } from './images.ts';
import { loginFor, readLogins, type RegistryLogin } from './registry-logins.ts';
import { DEBIAN } from './stack-recipe.ts';

/** A registry that says nothing for this long is taken for not there. */
const PULL_SILENCE_MS = 8_000;
const PULLED = { image: 'debian', tag: `${DEBIAN}-slim` } as const;
const MADE = { repo: 'slipway-13-base', tag: DEBIAN } as const;

/**
 * Makes sure of a Debian image to build upon: fetched when a registry answers, else made with mmdebstrap.
 * @returns its name
 * @throws RuntimeError `stack_failed` saying what to install
 */
export async function debianBase(
  daemon: Daemon,
  report: (line: string) => void,
  signal: AbortSignal,
): Promise<string> {
  for (const name of [`${PULLED.image}:${PULLED.tag}`, `${MADE.repo}:${MADE.tag}`]) {
    if ((await inspectImage(daemon, name)) !== null) return name;
  }
  report(`Fetching ${PULLED.image}:${PULLED.tag}`);
  const problem = await fetchImage(daemon, `${PULLED.image}:${PULLED.tag}`, report, signal);
  if (problem === null) return `${PULLED.image}:${PULLED.tag}`;
  report(`Not available (${problem}); making Debian ${DEBIAN} with mmdebstrap`);
  await bootstrap(daemon, problem, report, signal);
  return `${MADE.repo}:${MADE.tag}`;
}

/**
 * Fetches an image from its registry, with the login that Docker's settings have for that.
 * @param name with its tag
 * @param report gets a line for each thing of those settings that cannot be used
 * @returns null when it is there, else why not
 */
export async function fetchImage(
  daemon: Daemon,
  name: string,
  report: (line: string) => void,
  signal: AbortSignal,
): Promise<string | null> {
  const logins = await readLogins();
  for (const problem of logins.problems) report(`Warning: ${problem}`);
  return fetchWith(daemon, name, loginFor(logins, name), signal);
}

/** As `fetchImage`, with a login that is known, or without one. */
export async function fetchWith(
  daemon: Daemon,
  name: string,
  login: RegistryLogin | undefined,
  signal: AbortSignal,
): Promise<string | null> {
  const { image, tag } = pulled(name);
  const silence = new AbortController();
  const giveUp = (): void => {
    silence.abort();
  };
  let timer = setTimeout(giveUp, PULL_SILENCE_MS);
  try {
    const how = { login, signal: AbortSignal.any([signal, silence.signal]) };
    for await (const _ of pullImage(daemon, image, tag, how)) {
      clearTimeout(timer);
      timer = setTimeout(giveUp, PULL_SILENCE_MS * 4);
    }
    return null;
  } catch (error) {
    if (signal.aborted) throw error;
    return isAbort(error) ? 'the registry does not answer' : reasonOf(error);
  } finally {
    clearTimeout(timer);
  }
}

/** A name as the daemon wants it; a colon may also be the port of a registry, and a digest takes no tag. */
function pulled(name: string): { image: string; tag: string } {
  if (name.includes('@')) return { image: name, tag: '' };
  const [, image = name, tag = 'latest'] = /^(.+?)(?::([^/:]+))?$/.exec(name) ?? [];
  return { image, tag };
}

async function bootstrap(
  daemon: Daemon,
  pullProblem: string,
  report: (line: string) => void,
  signal: AbortSignal,
): Promise<void> {
  const child = spawn('mmdebstrap', ['--variant=minbase', DEBIAN, '-'], {
    stdio: ['ignore', 'pipe', 'pipe'],
    signal,
  });
  let said = '';
  child.stderr.setEncoding('utf8').on('data', (text: string) => {
    said = (said + text).slice(-4000);
    for (const line of text.split('\n')) if (line.startsWith('I: ')) report(`  ${line.slice(3)}`);
  });
  const ended = once(child, 'close') as Promise<[number | null]>;
  const failed = once(child, 'error').then(([error]) => {
    throw error;
  });
  try {
    await Promise.race([
      Promise.all([importImage(daemon, child.stdout, MADE, signal), succeed(ended, () => said)]),
      failed,
    ]);
  } catch (error) {
    child.kill('SIGKILL');
    throw bootstrapError(error, pullProblem, said);
  }
}

async function succeed(ended: Promise<[number | null]>, said: () => string): Promise<void> {
  const [code] = await ended;
  if (code !== 0)
    throw new Error(
      `mmdebstrap ended with ${String(code)}: ${said().trim().split('\n').slice(-3).join(' ')}`,
    );
}

function bootstrapError(error: unknown, pullProblem: string, said: string): RuntimeError {
  if (isAbort(error)) return new RuntimeError('cancelled', 'Making the stack images was cancelled.', error);
  const missing = error instanceof Error && 'code' in error && error.code === 'ENOENT';
  const advice = `Let Docker pull ${PULLED.image}:${PULLED.tag} ("docker pull ${PULLED.image}:${PULLED.tag}")`;
  const text = missing
    ? `The stack image needs a Debian base: ${PULLED.image}:${PULLED.tag} could not be pulled (${pullProblem}) and mmdebstrap is not installed. ${advice}, or install mmdebstrap ("sudo apt-get install mmdebstrap").`
    : `The Debian base could not be made: ${reasonOf(error)}${said === '' ? '' : ` (${said.trim().split('\n').at(-1) ?? ''})`}. ${advice}, or mend what mmdebstrap says.`;
  return new RuntimeError('stack_failed', text, error);
}
