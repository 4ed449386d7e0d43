/** One timed thing: ours, or the peer it is compared with. */
export interface Contestant {
  readonly name: string;
  /** Runs once and answers with its measure, in the benchmark's unit. */
  round(round: number): Promise<number>;
}

/** A comparison that is ready to run. */
export interface Contest {
  readonly ours: Contestant;
  readonly peer: Contestant;
  /** Ends what was started for it. */
  close(): Promise<void>;
}

/** A benchmark: what is measured, against whom, and what it shall be. */
export interface BenchDefinition {
  readonly title: string;
  readonly unit: string;
  /** Rounds unless told otherwise. */
  readonly rounds: number;
  /** `at-most`: ours ÷ peer has to be at most the goal (times); `at-least`: peer ÷ ours has to be at least the goal (speeds, told as times). */
  readonly goal: { readonly kind: 'at-most' | 'at-least'; readonly ratio: number };
  open(): Promise<Contest>;
}

/** A benchmark without a peer: figures that have to stay under their goals. */
export interface FigureDefinition {
  readonly title: string;
  readonly goals: Readonly<Record<string, number>>;
  /** One value for each goal. */
  measure(): Promise<Readonly<Record<string, number>>>;
}

/** A benchmark of several rows and peers, which prints a table of its own; its last line is the ratio of the main row. */
export interface TableDefinition {
  readonly title: string;
  /** Rounds unless told otherwise. */
  readonly rounds: number;
  readonly goal: { readonly kind: 'at-most' | 'at-least'; readonly ratio: number };
  /** Measures everything and prints it line by line; answers with the ratio and the raw values. */
  measure(
    rounds: number,
    print: (line: string) => void,
  ): Promise<{ readonly ratio: number; readonly data: object }>;
}
