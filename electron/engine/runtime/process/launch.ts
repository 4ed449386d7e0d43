import { type ChildProcess, spawn } from 'node:child_process';
import { mkdir, open } from 'node:fs/promises';
import { totalmem } from 'node:os';
import { join } from 'node:path';
import type { DynoSize } from '#shared/model/size.ts';
import { toRuntimeError } from '../box/tools.ts';
import type { DynoSpec } from '../runtime.ts';
import { sizeVariables, ulimitFunction } from '../size-figures.ts';
import { FILES } from './dyno-files.ts';
import type { HostEnv } from './host-env.ts';
import { MARK, PRINT_IDENTITY } from './identity.ts';

/**
 * First process of a dyno, in a session of its own, so that it lives on when the engine dies. It says who it is, runs
 * the dyno's bash, writes down how that ended, and then ends all that is left of its process group.
 * $1 folder of the dyno, $2 script for the dyno's bash, $3 command. SIGTERM reaches the whole group; the trap only
 * keeps this process alive (children start with the default again). Uses nothing from PATH, which is the app's; runs
 * with -p, so that BASH_ENV and the like, which are the app's too, do not touch it.
 */
const SUPERVISE = `
exec 3>&1 4>&2 >/dev/null 2>&1
trap : TERM INT HUP QUIT USR1 USR2 ALRM
{ ${PRINT_IDENTITY}; } > "$1/${FILES.identity}" || exit 126
"$BASH" --noprofile --norc -c "$2" bash "$3" >&3 2>&4 3>&- 4>&-
echo "$?" > "$1/${FILES.exit}"
kill -KILL 0
`;

/** The script by which a dyno of a size starts; its arguments are `bash` and the command. */
export function startScript(size: DynoSize): string {
  return `ulimit ${ulimitFunction(size)}\nexport -f ulimit${START}`;
}

/**
 * How a dyno starts (reference: heroku-platform 2.3). The machine's own /etc/profile.d is left out: it belongs to the
 * user's shell, not to a stack.
 */
const START = `
slipway_command=$1; shift
cd "$HOME" || exit 126
for slipway_file in "$HOME"/.profile.d/*.sh; do if [ -f "$slipway_file" ]; then . "$slipway_file"; fi; done
unset slipway_file
if [ -f "$HOME/.profile" ]; then . "$HOME/.profile"; fi
exec "$BASH" --noprofile --norc -c "$slipway_command"
`;

/** Variables of a dyno besides those of the machine. */
export function dynoVariables(folder: string, spec: DynoSpec, port: number): Record<string, string> {
  return {
    TMPDIR: join(folder, FILES.temporary),
    ...sizeVariables(spec.size, totalmem() / 2 ** 20),
    ...spec.env,
    HOME: join(folder, FILES.home),
    PORT: String(port),
  };
}

/**
 * Starts the process of a dyno whose folder is ready.
 * @throws RuntimeError `failed` when it cannot be started
 */
export async function launchDyno(
  folder: string,
  spec: DynoSpec,
  port: number,
  host: HostEnv,
): Promise<ChildProcess> {
  const home = join(folder, FILES.home);
  await mkdir(join(folder, FILES.temporary), { recursive: true });
  await using stdout = await open(join(folder, FILES.stdout), 'a', 0o600);
  await using stderr = await open(join(folder, FILES.stderr), 'a', 0o600);
  const args = [
    '--noprofile',
    '--norc',
    '-p',
    '-c',
    SUPERVISE,
    'slipway-dyno',
    folder,
    startScript(spec.size),
    spec.command,
  ];
  const child = spawn(host.bash, args, {
    cwd: home,
    env: { ...host.dyno, ...dynoVariables(folder, spec, port), [MARK]: folder },
    detached: true,
    stdio: ['ignore', stdout.fd, stderr.fd],
  });
  await new Promise<void>((resolve, reject) => {
    child.once('spawn', resolve);
    child.once('error', (error) => {
      reject(toRuntimeError(`starting ${spec.name} of ${spec.appName}`, error));
    });
  });
  child.unref();
  return child;
}
