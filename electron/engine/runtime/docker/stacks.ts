import { RuntimeError } from '../runtime.ts';
import type { Daemon } from './daemon.ts';
import { explain } from './errors.ts';
import { type ImageFacts, inspectImage } from './images.ts';
import type { SharedRuns } from './shared-runs.ts';
import { makeStack, type StackImages } from './stack-images.ts';
import { runImage, STACK } from './stack-recipe.ts';

/** The images of stacks that this engine has made sure of. */
export class Stacks {
  private readonly daemon: Daemon;
  private readonly owner: string;
  private readonly runs: SharedRuns;
  private readonly known = new Map<string, StackImages>();
  private readonly run = new Map<string, ImageFacts>();

  constructor(daemon: Daemon, owner: string, runs: SharedRuns) {
    this.daemon = daemon;
    this.owner = owner;
    this.runs = runs;
  }

  /** See `Runtime.prepare`. */
  async prepare(stack: string, report: (line: string) => void, signal: AbortSignal): Promise<void> {
    await this.runs.join(`Making stack ${stack}`, signal, report, async (line, aborted) => {
      const making = { daemon: this.daemon, owner: this.owner, report: line, signal: aborted };
      const images = await makeStack(stack, making);
      if (images.run !== this.known.get(stack)?.run) this.run.delete(stack);
      this.known.set(stack, images);
    });
  }

  /** The images of a stack; they are made when there are none. @throws RuntimeError `stack_failed` */
  async images(stack: string): Promise<StackImages> {
    if (!this.known.has(stack)) await this.prepare(stack, () => undefined, new AbortController().signal);
    const images = this.known.get(stack);
    if (!images) throw new RuntimeError('stack_failed', `Stack ${stack} is not ready. Deploy again.`);
    return images;
  }

  /** Whether the images of a stack are there. They are not made, and of stacks that are fetched only what is known counts. */
  async isReady(stack: string): Promise<boolean> {
    if (this.known.has(stack)) return true;
    if (stack !== STACK) return false;
    const looking = new AbortController();
    // The first line says that something is going to be made.
    const report = (): void => {
      looking.abort();
    };
    await this.prepare(stack, report, looking.signal).catch(() => undefined);
    return this.known.has(stack);
  }

  /** What dynos run on. @throws RuntimeError `stack_failed` when it is missing */
  async runBase(stack: string): Promise<ImageFacts> {
    await this.images(stack);
    const name = runImage(stack);
    const known = this.run.get(stack);
    const base =
      known ?? (await explain(`The image ${name} could not be looked up`, inspectImage(this.daemon, name)));
    if (!base) throw new RuntimeError('stack_failed', `The image ${name} is missing. Deploy again.`);
    this.run.set(stack, base);
    return base;
  }

  /** Has a stack's images looked for again. */
  forget(stack: string): void {
    this.known.delete(stack);
    this.run.delete(stack);
  }
}
