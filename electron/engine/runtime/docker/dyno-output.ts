import { once } from 'node:events';
import type { Readable } from 'node:stream';
import type { Clock } from '../../util/clock.ts';
import type { Diagnostics } from '../../util/diagnostics.ts';
import type { OutputPosition, OutputSink } from '../runtime.ts';
import { type ContainerFacts, inspectContainer, readLogs } from './containers.ts';
import type { Daemon } from './daemon.ts';
import { statusOf } from './errors.ts';
import { FloodBrake } from './flood-brake.ts';
import { FrameReader } from './frames.ts';
import { LogPosition, MomentReader } from './log-position.ts';
import { LongLines } from './long-lines.ts';

const RETRY_MS = 250;
const MAX_RETRY_MS = 500;
const SPACE = 0x20;
const LINE_END = Buffer.from('\n');

interface Following {
  readonly daemon: Daemon;
  readonly clock: Clock;
  readonly diagnostics: Diagnostics;
  /** Id of the dyno's container, null when there is none. */
  readonly container: () => Promise<string | null>;
  readonly sink: OutputSink;
  readonly after: OutputPosition | undefined;
}

/**
 * Follows a dyno's output over lost connections until the dyno has ended and all was read. The daemon writes each message
 * as one frame with the time before it; lines above 16 KiB are several messages.
 */
export function followOutput(following: Following): Disposable {
  const abort = new AbortController();
  follow(following, abort.signal).catch((error: unknown) => {
    if (!abort.signal.aborted)
      following.diagnostics.problem('The output of a dyno can no longer be followed', error);
  });
  return {
    [Symbol.dispose]: () => {
      abort.abort();
    },
  };
}

async function follow(following: Following, signal: AbortSignal): Promise<void> {
  const { daemon, clock, sink } = following;
  const position = new LogPosition(following.after);
  let wait = RETRY_MS;
  let ended = false;
  while (!signal.aborted) {
    try {
      const id = await following.container();
      if (id === null) break;
      const stream = await readLogs(daemon, id, position.since(), !ended, signal);
      position.restart();
      using brake = new FloodBrake(daemon, id, clock);
      await readAll(stream, sink, position, brake, signal);
      const container: ContainerFacts | null = ended ? null : await inspectContainer(daemon, id);
      if (container === null) break;
      wait = RETRY_MS;
      // Following may end just before the last message; once the container has ended, the log is complete.
      ended = !container.running;
      if (ended) continue;
    } catch (error) {
      if (statusOf(error) === 404) break;
      wait = Math.min(wait * 2, MAX_RETRY_MS);
    }
    if (!signal.aborted) await pause(clock, wait, signal);
  }
  if (!signal.aborted) sink.onEnd();
}

async function readAll(
  stream: Readable,
  sink: OutputSink,
  position: LogPosition,
  brake: FloodBrake,
  signal: AbortSignal,
): Promise<void> {
  const times = new MomentReader();
  const ends = new LongLines();
  // A message is given on as a whole, so that a position never stands in the middle of one.
  const onMessage = (name: 'stdout' | 'stderr', message: Buffer): void => {
    const space = message.indexOf(SPACE);
    const moment = space < 0 ? null : times.read(message.toString('latin1', 0, space));
    if (moment === null || signal.aborted) return;
    const content = message.subarray(space + 1);
    const missing = ends.missesLineEnd(name, content, moment);
    if (!position.advance(name, moment)) return;
    brake.read(content.length);
    const at = moment.seconds * 1_000_000 + Math.floor(moment.nanos / 1000);
    const bytes = missing ? Buffer.concat([content, LINE_END]) : content;
    if (bytes.length > 0) sink.onBytes(name, bytes, at, position.toString());
  };
  let held: Buffer[] = [];
  const frames = new FrameReader((name, bytes, _first, last) => {
    if (!last) {
      held.push(bytes);
      return;
    }
    onMessage(name, held.length > 0 ? Buffer.concat([...held, bytes]) : bytes);
    held = [];
  });
  stream.on('data', (chunk: Buffer) => {
    frames.push(chunk);
  });
  await once(stream, 'end', { signal });
}

async function pause(clock: Clock, ms: number, signal: AbortSignal): Promise<void> {
  await new Promise<void>((resolve) => {
    const done = (): void => {
      cancel();
      signal.removeEventListener('abort', done);
      resolve();
    };
    const cancel = clock.after(ms, done);
    signal.addEventListener('abort', done);
  });
}
