import { BUILD_PHASES, type BuildPhase, type BuildPhaseName } from '#shared/model/build.ts';
import type { Clock } from '../util/clock.ts';

/** Runs the phases of a deploy one after the other and tells each change of their states. */
export class PhaseRunner {
  private readonly clock: Clock;
  private readonly onChange: (phases: readonly BuildPhase[]) => void;
  private states: BuildPhase[];

  /** @param phases states to go on from; all waiting unless given */
  constructor(
    clock: Clock,
    onChange: (phases: readonly BuildPhase[]) => void,
    phases?: readonly BuildPhase[],
  ) {
    this.clock = clock;
    this.onChange = onChange;
    this.states = [...(phases ?? BUILD_PHASES.map((name): BuildPhase => ({ name, state: 'waiting' })))];
  }

  get phases(): readonly BuildPhase[] {
    return this.states;
  }

  /** Runs one phase; it is done when the task is, and failed when it throws. The phases behind a failed one are skipped. */
  async run<Result>(name: BuildPhaseName, task: () => Result | Promise<Result>): Promise<Result> {
    const started = this.clock.now();
    this.set(name, { name, state: 'running' });
    try {
      const result = await task();
      this.set(name, { name, state: 'done', durationMs: this.clock.now() - started });
      return result;
    } catch (error) {
      this.states = this.states.map((each) =>
        each.state === 'waiting' ? { name: each.name, state: 'skipped' } : each,
      );
      this.set(name, { name, state: 'failed', durationMs: this.clock.now() - started });
      throw error;
    }
  }

  private set(name: BuildPhaseName, state: BuildPhase): void {
    this.states = this.states.map((each) => (each.name === name ? state : each));
    this.onChange(this.states);
  }
}
