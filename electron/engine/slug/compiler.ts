import { CNB_STACK, CONTAINER_STACK } from '#shared/model/stack.ts';
import { BuildpackCompiler } from './buildpack-compiler.ts';
import { compileWithBuilder } from './builder-compiler.ts';
import type { CompiledSlug, CompileOrder, CompileTools } from './compile-order.ts';
import { BuildFailure } from './failure.ts';
import { compileImages } from './image-compiler.ts';
import { detail, step } from './output-text.ts';
import { readSource } from './source.ts';

/**
 * Compiles a folder to a slug: source → stack → buildpacks → types → pack (reference: heroku-platform 2.1).
 * Whatever happens the build box is closed and no half-made archive stays.
 * @throws BuildFailure with the code of what failed; its message is already in the build log
 */
export async function compileSlug(order: CompileOrder, tools: CompileTools): Promise<CompiledSlug> {
  const { phases, runtime, output } = tools;
  const stackIsThere = hasStack(order.stack, tools);
  const { source, state } = await phases.run('source', async () => {
    const read = await readSource(order.folder);
    return { source: read, state: await order.begin(read) };
  });
  const report = (text: string): void => {
    output(detail(text));
  };
  await phases.run('stack', async () => {
    if (state.stack === CNB_STACK) await runtime.prepareBuilder(state.builder, report, tools.signal);
    else if (state.stack !== order.stack || !(await stackIsThere))
      await runtime.prepare(state.stack, report, tools.signal);
  });
  output(step(`Building on the ${stackTitle(state.stack)} stack`));
  const overdue = AbortSignal.timeout(order.timeoutMs);
  const signal = AbortSignal.any([tools.signal, overdue, order.diskFull]);
  const compiler = new BuildpackCompiler(order, { ...tools, signal }, source, state);
  try {
    if (state.stack === CONTAINER_STACK) return await compileImages(order, { ...tools, signal }, source);
    if (state.stack === CNB_STACK)
      return await compileWithBuilder(order, { ...tools, signal }, source, state);
    return await compiler.compile();
  } catch (error) {
    if (tools.signal.aborted) throw error;
    if (order.diskFull.aborted) {
      await compiler.empty();
      throw new BuildFailure(
        'disk_full',
        'The build has used up the disk that the data folder is on, so it was ended. Free some space, or look what the build writes, and deploy again.',
        error,
      );
    }
    if (!overdue.aborted) throw error;
    throw new BuildFailure(
      'compile_timeout',
      `The build timed out; it must complete in ${order.timeoutMs / 1000} seconds.`,
      error,
    );
  } finally {
    await compiler.close();
  }
}

/** Looks whether all that a stack needs is there, beside other things. Nothing is made: the first line says that something has to be. */
function hasStack(stack: string, { runtime, signal }: CompileTools): Promise<boolean> {
  const looking = new AbortController();
  const stop = (): void => {
    looking.abort();
  };
  const found = runtime.prepare(stack, stop, AbortSignal.any([signal, looking.signal])).then(
    () => true,
    (error: unknown) => {
      if (looking.signal.aborted) return false;
      throw error;
    },
  );
  // A build that fails before does not need it.
  found.catch(() => undefined);
  return found;
}

function stackTitle(stack: string): string {
  return stack.replace(/^./, (letter) => letter.toUpperCase());
}
