/** How often it is looked whether the parent is still there, in milliseconds. */
const LOOK_MS = 1_000;
/** Scripts of npm that run as long as the product does. */
const SCRIPTS = ['start', 'headless'];

/**
 * Calls `stop` once when npm, which started this process through a shell, has ended: a signal ends npm and that shell, and does
 * not reach what runs in it. Does nothing for a process that was started in another way.
 */
export function whenLeftAlone(stop: () => void): void {
  if (!SCRIPTS.includes(process.env['npm_lifecycle_event'] ?? '')) return;
  const parent = process.ppid;
  const timer = setInterval(() => {
    if (process.ppid === parent) return;
    clearInterval(timer);
    stop();
  }, LOOK_MS);
  timer.unref();
}
