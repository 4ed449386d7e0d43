import type { Moment } from './log-position.ts';

/** Longest message of Docker's log; a longer line is several of them, all with the time of the first. */
const MESSAGE_BYTES = 16_384;
const LINE_END = 0x0a;

/**
 * Some versions of Docker's `local` log leave out the line end of lines that were split. The last message of such a line is
 * told by being shorter than the ones before it. (A split line that the dyno itself never ended gets one too: it cannot be
 * told apart.)
 */
export class LongLines {
  private readonly open: Record<'stdout' | 'stderr', Moment | null> = { stdout: null, stderr: null };

  /** Takes note of the next message. @returns true when its line end is missing */
  missesLineEnd(stream: 'stdout' | 'stderr', content: Buffer, at: Moment): boolean {
    const before = this.open[stream];
    const goesOn = before !== null && before.seconds === at.seconds && before.nanos === at.nanos;
    const ended = content.at(-1) === LINE_END;
    const full = content.length === MESSAGE_BYTES && !ended;
    this.open[stream] = full ? at : null;
    return goesOn && !full && !ended;
  }
}
