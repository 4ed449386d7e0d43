type Dynos = 'stop' | 'keep';

/** What quitting needs of its surroundings. */
export interface QuittingOptions {
  dynosUp(): number;
  /** Asks what becomes of the dynos; null when the person does not want to quit after all. */
  ask(dynosUp: number): Promise<Dynos | null>;
  /** Ends everything. */
  close(dynos: Dynos): Promise<void>;
  exit(code: number): void;
}

/** The way out: asked at most once, closed once, and left even when closing fails. */
export class Quitting {
  private readonly options: QuittingOptions;
  private state: 'running' | 'asking' | 'closing' = 'running';

  constructor(options: QuittingOptions) {
    this.options = options;
  }

  /** Quits once it is known what becomes of the dynos; with none up there is nothing to ask. */
  async request(): Promise<void> {
    if (this.state !== 'running') return;
    const count = this.options.dynosUp();
    this.state = 'asking';
    const answer = count === 0 ? 'stop' : await this.options.ask(count);
    this.state = 'running';
    if (answer !== null) await this.quit(answer);
  }

  /** Quits now. */
  async quit(dynos: Dynos): Promise<void> {
    if (this.state === 'closing') return;
    this.state = 'closing';
    try {
      await this.options.close(dynos);
      this.options.exit(0);
    } catch (error) {
      console.error('stopping:', error);
      this.options.exit(1);
    }
  }
}
