import { spawn } from 'node:child_process';
import { access, rm } from 'node:fs/promises';
import { join } from 'node:path';
import { publicBuildpack } from '#shared/model/buildpack.ts';
import { FetchError } from './fetch-error.ts';

const COMMIT = /^[0-9a-f]{40}$/;
/** What git says when another try would end alike. */
const FINAL =
  /not found|does not (exist|appear)|could not read (username|password)|permission denied|authentication failed|not our ref|did not match/i;

/** A git repository, at a branch, tag or commit; at its main branch without a ref. */
export interface GitPlace {
  readonly url: string;
  readonly ref: string | null;
}

/**
 * The commit that a place stands for now, without fetching it; null when only a clone can tell (a commit's beginning).
 * @throws FetchError
 */
export async function findCommit(place: GitPlace, signal: AbortSignal): Promise<string | null> {
  const { url, ref } = place;
  if (ref !== null && COMMIT.test(ref)) return ref;
  const answer = await git(
    place,
    ['ls-remote', '--', url, ...(ref === null ? ['HEAD'] : [ref, `${ref}^{}`])],
    signal,
  );
  const refs = new Map(
    answer.split('\n').flatMap((line): [string, string][] => {
      const [commit = '', name = ''] = line.split('\t');
      return COMMIT.test(commit) ? [[name, commit]] : [];
    }),
  );
  const names =
    ref === null ? ['HEAD'] : [`refs/heads/${ref}`, `refs/tags/${ref}^{}`, `refs/tags/${ref}`, ref];
  return names.map((name) => refs.get(name)).find((commit) => commit !== undefined) ?? null;
}

/**
 * Clones into a folder that does not exist, with submodules, and leaves the files only.
 * @returns the commit
 * @throws FetchError
 */
export async function clone(place: GitPlace, folder: string, signal: AbortSignal): Promise<string> {
  const { url, ref } = place;
  const shallow = [
    'clone',
    '-q',
    '--depth',
    '1',
    ...(ref === null ? [] : ['--branch', ref]),
    '--',
    url,
    folder,
  ];
  try {
    if (ref !== null && /^[0-9a-f]{7,40}$/.test(ref))
      throw new FetchError('a commit needs the whole history', false);
    await git(place, shallow, signal);
  } catch (error) {
    if (!(error instanceof FetchError) || signal.aborted) throw error;
    // No branch or tag of that name, or a server without shallow clones.
    await rm(folder, { recursive: true, force: true });
    await git(place, ['clone', '-q', '--', url, folder], signal);
    if (ref !== null) await git(place, ['-C', folder, 'checkout', '-q', '--detach', ref], signal);
  }
  const commit = (await git(place, ['-C', folder, 'rev-parse', 'HEAD'], signal)).trim();
  const hasSubmodules = await access(join(folder, '.gitmodules')).then(
    () => true,
    () => false,
  );
  if (hasSubmodules)
    await git(place, ['-C', folder, 'submodule', 'update', '-q', '--init', '--recursive'], signal);
  await rm(join(folder, '.git'), { recursive: true, force: true });
  return commit;
}

/** Output of a git command that asks nobody anything and uses no other ways than those that the place is allowed to have. */
function git(place: GitPlace, args: readonly string[], signal: AbortSignal): Promise<string> {
  const child = spawn('git', ['-c', 'core.hooksPath=/dev/null', '-c', 'safe.directory=*', ...args], {
    env: gitEnvironment(place.url),
    // A group of its own, so that what git has started ends with it.
    detached: true,
    stdio: ['ignore', 'pipe', 'pipe'],
  });
  let answer = '';
  let complaint = '';
  child.stdout.setEncoding('utf8').on('data', (text: string) => {
    if (answer.length < 1_000_000) answer += text;
  });
  child.stderr.setEncoding('utf8').on('data', (text: string) => {
    if (complaint.length < 4_000) complaint += text;
  });
  const stop = (): void => {
    if (child.pid !== undefined) endGroup(child.pid);
  };
  signal.addEventListener('abort', stop, { once: true });
  return new Promise((resolve, reject) => {
    child.once('error', (error) => {
      reject(new FetchError(`git could not be started (${error.message}): install git`, true, error));
    });
    child.once('close', (code, killed) => {
      signal.removeEventListener('abort', stop);
      if (code === 0) return resolve(answer);
      const said = complaint
        .trim()
        .replaceAll(place.url, publicBuildpack(place.url))
        .split('\n')
        .slice(-3)
        .join(' ');
      reject(
        new FetchError(said || `git ended with ${killed ?? `code ${String(code)}`}`, FINAL.test(complaint)),
      );
    });
  });
}

function gitEnvironment(url: string): NodeJS.ProcessEnv {
  const own = Object.entries(process.env).filter(([name]) => !name.startsWith('GIT_'));
  const kept = ['GIT_SSH_COMMAND', 'GIT_SSH', 'GIT_SSL_CAINFO', 'GIT_CONFIG_GLOBAL'].flatMap((name) => {
    const value = process.env[name];
    return value === undefined ? [] : [[name, value]];
  });
  return {
    GIT_SSH_COMMAND: 'ssh -o BatchMode=yes -o ConnectTimeout=30',
    ...(Object.fromEntries([...own, ...kept]) as NodeJS.ProcessEnv),
    GIT_TERMINAL_PROMPT: '0',
    GIT_ASKPASS: 'true',
    // A submodule of a repository elsewhere must not lead to a folder of this machine.
    GIT_ALLOW_PROTOCOL: `https:http:ssh:git${/^file:/i.test(url) ? ':file' : ''}`,
    LC_ALL: 'C',
  };
}

function endGroup(pid: number): void {
  try {
    process.kill(-pid, 'SIGKILL');
  } catch {
    // It has ended.
  }
}
