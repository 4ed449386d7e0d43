import { execDetached, killContainer } from './containers.ts';
import type { Daemon } from './daemon.ts';
import { reasonOf, statusOf } from './errors.ts';

/**
 * Sends a signal to all processes of a container, as the platform does; the init process would hand it to its child
 * only. So another process in the container sends it. When that cannot be started (no processes left, for example) init
 * gets it. A container that is gone is fine.
 */
export async function signalAll(
  daemon: Daemon,
  container: string,
  signal: 'SIGHUP' | 'SIGTERM' | 'SIGKILL',
): Promise<void> {
  if (signal === 'SIGKILL') {
    await killContainer(daemon, container, signal);
    return;
  }
  try {
    await execDetached(daemon, container, ['/bin/sh', '-c', `kill -${signal.slice(3)} -1`]);
  } catch (error) {
    const status = statusOf(error);
    if (status === null) throw error;
    if (status === 404 || (status === 409 && /not running/i.test(reasonOf(error)))) return;
    await killContainer(daemon, container, signal);
  }
}
