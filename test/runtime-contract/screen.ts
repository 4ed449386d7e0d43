import type { RunTerminal } from '#engine/runtime/run-terminal.ts';
import { until } from './world.ts';

/** Gathers what a terminal shows. */
export class Screen implements AsyncDisposable {
  readonly terminal: RunTerminal;
  /** Resolves when the output has ended. */
  readonly ended: Promise<void>;
  text = '';

  constructor(terminal: RunTerminal) {
    this.terminal = terminal;
    this.ended = (async () => {
      for await (const bytes of terminal.output) this.text += bytes.toString('latin1');
    })();
  }

  /** Waits until the terminal shows the text. */
  shows(text: string): Promise<void> {
    return until(`${JSON.stringify(text)} to show in ${JSON.stringify(this.text)}`, () =>
      this.text.includes(text),
    );
  }

  /** Waits for the end. @returns exit code and all that was shown */
  async finish(): Promise<{ code: number; text: string }> {
    const code = await this.terminal.exited;
    await this.ended;
    return { code, text: this.text };
  }

  async [Symbol.asyncDispose](): Promise<void> {
    await this.terminal.close();
  }
}
