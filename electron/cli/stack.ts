import { connectDaemon } from '../engine/runtime/docker/daemon.ts';
import { makeStack } from '../engine/runtime/docker/stack-images.ts';
import { buildImage, runImage, STACK } from '../engine/runtime/docker/stack-recipe.ts';
import { RuntimeError } from '../engine/runtime/runtime.ts';

/** Makes the stack images, as the first deploy would; `npm run stack`. */
async function main(): Promise<number> {
  const started = performance.now();
  const stop = new AbortController();
  process.once('SIGINT', () => {
    stop.abort();
  });
  process.once('SIGTERM', () => {
    stop.abort();
  });
  try {
    const daemon = await connectDaemon({ socketPath: null });
    const report = (line: string): void => {
      process.stdout.write(`${line}\n`);
    };
    await makeStack(STACK, { daemon, owner: 'stack', report, signal: stop.signal });
    const seconds = ((performance.now() - started) / 1000).toFixed(1);
    report(`${runImage(STACK)} and ${buildImage(STACK)} are there (${seconds} s)`);
    return 0;
  } catch (error) {
    if (!(error instanceof RuntimeError)) throw error;
    process.stderr.write(`${error.message}\n`);
    return 1;
  }
}

process.exitCode = await main();
