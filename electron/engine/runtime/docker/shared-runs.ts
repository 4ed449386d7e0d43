import { RuntimeError } from '../runtime.ts';

interface Run {
  readonly result: Promise<void>;
  readonly lines: Set<(line: string) => void>;
  readonly abort: AbortController;
  callers: number;
}

/** Lets callers that want the same thing at the same time share one run of it. It is cancelled when all of them have given up. */
export class SharedRuns {
  private readonly running = new Map<string, Run>();

  /**
   * Joins the run of `key`, or starts it.
   * @param work gets a place for progress lines and a signal of its own
   * @throws RuntimeError `cancelled` when this caller's signal is given
   */
  async join(
    key: string,
    signal: AbortSignal,
    report: (line: string) => void,
    work: (report: (line: string) => void, signal: AbortSignal) => Promise<void>,
  ): Promise<void> {
    if (signal.aborted) throw new RuntimeError('cancelled', `${key} was cancelled.`);
    // A run that all others gave up ends soon, and its end is not for this caller.
    const abandoned = this.running.get(key);
    if (abandoned?.abort.signal.aborted) await abandoned.result.catch(() => undefined);
    const run = this.running.get(key) ?? this.start(key, work);
    run.lines.add(report);
    run.callers += 1;
    let aborted = (): void => undefined;
    const givenUp = new Promise<never>((_, reject) => {
      aborted = () => {
        reject(new RuntimeError('cancelled', `${key} was cancelled.`));
      };
    });
    signal.addEventListener('abort', aborted);
    try {
      await Promise.race([run.result, givenUp]);
    } finally {
      signal.removeEventListener('abort', aborted);
      run.lines.delete(report);
      run.callers -= 1;
      if (run.callers === 0) run.abort.abort();
    }
  }

  private start(
    key: string,
    work: (report: (line: string) => void, signal: AbortSignal) => Promise<void>,
  ): Run {
    const lines = new Set<(line: string) => void>();
    const abort = new AbortController();
    const report = (line: string): void => {
      for (const each of lines) each(line);
    };
    const result = work(report, abort.signal).finally(() => this.running.delete(key));
    result.catch(() => undefined);
    const run: Run = { result, lines, abort, callers: 0 };
    this.running.set(key, run);
    return run;
  }
}
