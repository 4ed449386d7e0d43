import { existsSync, readFileSync } from 'node:fs';
import { join } from 'node:path';
import { setFlagsFromString } from 'node:v8';
import { Worker } from 'node:worker_threads';
import type { FromThread, ThreadData, ToThread } from './thread-messages.ts';

/** Starts the thread that `worker.ts` is the program of. */
export type StartWorker = (data: ThreadData) => Worker;

const HERE = import.meta.dirname;
const SOURCE = join(HERE, 'worker.ts');
/** What the sources are built to; `HERE` is the folder of a bundle then. */
const BUILT = join(HERE, '..', 'router', 'worker.cjs');

/** V8's own size of a half of the nursery, in MB: an engine that was started with less would have the thread collect at every turn. */
const NURSERY_MB = 16;

/**
 * Starts it from the sources, or from its bundle. The bundle is read here, as only the main thread of a packaged app can look
 * into its archive.
 */
export const startWorker: StartWorker = (workerData) => {
  // The flag counts for threads that begin from here on; the engine's own nursery stays as it is.
  setFlagsFromString(`--max-semi-space-size=${NURSERY_MB}`);
  // The flags of the process may name files that only its own folder has.
  const options = { workerData, execArgv: [], name: 'router' };
  return existsSync(SOURCE)
    ? new Worker(SOURCE, options)
    : new Worker(readFileSync(BUILT, 'utf8'), { ...options, eval: true });
};

/** Answer of a thread to a question of the engine; null when the thread has ended instead. */
export type ThreadAnswer = (FromThread & { kind: 'answer' }) | null;

/** What becomes of a question's text: `id` is put in here. */
type Question = ToThread extends infer Each
  ? Each extends { id: number }
    ? Omit<Each, 'id'>
    : never
  : never;

/** One thread of the router as the engine's thread sees it. */
export class RouterThread {
  /** False once it has ended, for whatever reason. */
  alive = true;
  readonly #worker: Worker;
  readonly #open = new Map<number, (answer: ThreadAnswer) => void>();
  #nextId = 1;
  #ending = false;

  /**
   * @param hear takes what the thread says by itself
   * @param onDeath the thread has ended without being told to
   */
  constructor(worker: Worker, hear: (message: FromThread) => void, onDeath: (error: unknown) => void) {
    this.#worker = worker;
    let reason: unknown = null;
    worker.on('message', (message: FromThread) => {
      if (message.kind !== 'answer') hear(message);
      else {
        this.#open.get(message.id)?.(message);
        this.#open.delete(message.id);
      }
    });
    worker.on('error', (error) => {
      reason = error;
    });
    worker.on('exit', (code) => {
      this.alive = false;
      for (const answer of this.#open.values()) answer(null);
      this.#open.clear();
      if (!this.#ending) onDeath(reason ?? new Error(`the thread ended with code ${code}`));
    });
  }

  tell(message: ToThread): void {
    if (this.alive) this.#worker.postMessage(message);
  }

  ask(question: Question): Promise<ThreadAnswer> {
    if (!this.alive) return Promise.resolve(null);
    const id = this.#nextId++;
    return new Promise((resolve) => {
      this.#open.set(id, resolve);
      this.tell({ ...question, id });
    });
  }

  /** Ends it for good. */
  async end(): Promise<void> {
    this.#ending = true;
    await this.#worker.terminate();
  }
}
