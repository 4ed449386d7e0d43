import { type ChildProcessByStdio, spawn } from 'node:child_process';
import { mkdir, writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import type { Readable, Writable } from 'node:stream';
import { setTimeout as sleep } from 'node:timers/promises';
import { quote, toRuntimeError } from '../box/tools.ts';
import type { RunSpec } from '../run-terminal.ts';
import { RuntimeError } from '../runtime.ts';
import { FILES, readIdentity, readOrNull } from './dyno-files.ts';
import type { HostEnv } from './host-env.ts';
import { exitCode, MARK, PRINT_IDENTITY } from './identity.ts';
import { dynoVariables, startScript } from './launch.ts';
import { onTerminal, type PtyTool } from './pty.ts';

/** Files in the folder of a one-off dyno, besides those of any dyno. */
const SCRIPT = 'run.sh';
const TERMINAL = 'tty';
/** How often it is looked whether the terminal is ready, in milliseconds. */
const READY_POLL = 10;

/** A terminal whose last program has gone may lose what it showed last, so the first process stays for a moment. */
const LINGER = 'sleep 0.1';

/** What the terminal says first when it is none. */
export const NO_TERMINAL =
  'Slipway: this machine has no `script` command (package util-linux or bsdutils), so this is a pipe and no terminal.';

/** A launched one-off dyno. */
export interface LaunchedRun {
  /** The process that passes on what the terminal shows and gets. */
  readonly child: RunProcess;
  /** Value of PORT inside. */
  readonly port: number;
  /** The process group of the dyno's first process. */
  readonly group: number;
  /** Path of the terminal's device, or null when there is no terminal. */
  readonly terminal: string | null;
  /** Resolves once `child` has ended, to its exit code. */
  readonly ended: Promise<number>;
}

/** A process with pipes for input and output. */
type RunProcess = ChildProcessByStdio<Writable, Readable, null>;

/**
 * Starts the process of a one-off dyno whose folder has the slug, on a terminal of the size that the spec says.
 * @throws RuntimeError `failed` when it cannot be started
 */
export async function launchRun(
  folder: string,
  spec: RunSpec,
  port: number,
  host: HostEnv,
  tool: PtyTool,
): Promise<LaunchedRun> {
  const doing = `starting ${spec.name} of ${spec.appName}`;
  await mkdir(join(folder, FILES.temporary), { recursive: true });
  const env = dynoVariables(folder, spec, port);
  const script = join(folder, SCRIPT);
  await writeFile(script, scriptOf(folder, spec, { ...env, [MARK]: folder }, tool), { mode: 0o600 });
  // The mark is on the dyno's own processes only: what holds the terminal is not to be signalled with them.
  const line = `export ${MARK}=${quote(folder)}; exec ${quote(host.bash)} --noprofile --norc ${quote(script)}`;
  const [command, args] = onTerminal(tool, host.bash, line);
  const child = spawn(command, args, {
    cwd: join(folder, FILES.home),
    env: { ...host.dyno, SHELL: host.bash },
    detached: true,
    stdio: ['pipe', 'pipe', 'ignore'],
  });
  const ended = new Promise<number>((resolve, reject) => {
    child.once('error', (error) => {
      reject(toRuntimeError(doing, error));
    });
    child.once('exit', (code, signal) => {
      resolve(exitCode(code, signal));
    });
  });
  const group = await untilReady(folder, ended);
  if (group === null)
    throw new RuntimeError('failed', `${doing} failed: its terminal could not be opened. Run it again.`);
  const terminal = tool === 'none' ? null : ((await readOrNull(join(folder, TERMINAL)))?.trim() ?? null);
  return { child, port, group, terminal, ended };
}

/** Waits until the first process has said who it is, or cannot any more. */
async function untilReady(folder: string, ended: Promise<number>): Promise<number | null> {
  const end = { over: false };
  const over = ended.finally(() => (end.over = true));
  over.catch(() => undefined);
  for (;;) {
    const { over: last } = end;
    const identity = await readIdentity(folder);
    if (identity !== null) return identity.pid;
    if (last) return ended.then(() => null);
    await sleep(READY_POLL);
  }
}

/**
 * The first process on the terminal: it sets the terminal up, says who it is, runs the command, and writes down how that
 * ended. The variables of the app do not touch it. The file goes at once, as config vars are in it.
 */
function scriptOf(
  folder: string,
  spec: RunSpec,
  env: Readonly<Record<string, string>>,
  tool: PtyTool,
): string {
  const file = (name: string): string => quote(join(folder, name));
  const terminal = [
    `stty cols ${String(spec.columns)} rows ${String(spec.rows)} echo`,
    `tty > ${file(TERMINAL)}`,
  ];
  return [
    `rm -f -- ${file(SCRIPT)}`,
    ...(tool === 'none' ? ['exec 2>&1', `printf '%s\\n' ${quote(NO_TERMINAL)}`] : terminal),
    'trap : TERM INT HUP QUIT USR1 USR2 ALRM',
    `{ ${PRINT_IDENTITY}; } > ${file(FILES.identity)}`,
    '(',
    ...Object.entries(env).map(([name, value]) => `export ${name}=${quote(value)}`),
    `exec "$BASH" --noprofile --norc -c ${quote(startScript(spec.size))} bash ${quote(spec.command)}`,
    ')',
    `echo "$?" > ${file(FILES.exit)}`,
    ...(tool === 'none' ? [] : [LINGER]),
    '',
  ].join('\n');
}
