import { once } from 'node:events';
import type { Readable } from 'node:stream';
import * as z from 'zod';
import type { Clock } from '../../util/clock.ts';
import type { Daemon } from './daemon.ts';
import { LABEL, labelFilter } from './names.ts';

const RETRY_MS = 200;
const MAX_RETRY_MS = 500;
/** Some daemons send nothing, not even a head, before the first event. */
const OPEN_MS = 1_000;

/** Old daemons say `status` and `id` at the top, new ones only `Action` and `Actor`; Podman says `died`. */
const DockerEvent = z
  .object({
    Action: z.string().optional(),
    status: z.string().optional(),
    Actor: z.object({ ID: z.string(), Attributes: z.record(z.string(), z.string()).nullish() }).optional(),
    id: z.string().optional(),
    time: z.number().optional(),
    timeNano: z.number().optional(),
  })
  .transform((event) => {
    const attributes = event.Actor?.Attributes ?? {};
    const code = attributes['exitCode'] ?? attributes['containerExitCode'];
    return {
      action: event.Action ?? event.status ?? '',
      container: event.Actor?.ID ?? event.id ?? '',
      dyno: attributes[LABEL.dyno] ?? null,
      code: code === undefined ? null : Number(code),
      at: event.timeNano !== undefined ? Math.floor(event.timeNano / 1e6) : (event.time ?? 0) * 1000,
    };
  });

/** What happened to a dyno's container. */
export interface DynoEvent {
  readonly kind: 'die' | 'oom';
  readonly container: string;
  readonly dyno: string;
  /** Exit code of `die`, when the daemon told it. */
  readonly code: number | null;
  /** Milliseconds since the epoch. */
  readonly at: number;
}

interface Watch {
  readonly daemon: Daemon;
  readonly owner: string;
  readonly clock: Clock;
  readonly onEvent: (event: DynoEvent) => void;
  readonly onAvailability: (state: 'lost' | 'back') => void;
}

/**
 * Watches for the end of dynos, over lost connections.
 * @returns once the first connection stands
 */
export async function watchEvents(watch: Watch): Promise<Disposable> {
  const abort = new AbortController();
  let opened = (): void => undefined;
  const open = new Promise<void>((resolve) => (opened = resolve));
  void run(watch, abort.signal, opened);
  await Promise.race([open, new Promise((resolve) => setTimeout(resolve, OPEN_MS).unref())]);
  return {
    [Symbol.dispose]: () => {
      abort.abort();
    },
  };
}

async function run(watch: Watch, signal: AbortSignal, opened: () => void): Promise<void> {
  let lost = false;
  let wait = RETRY_MS;
  while (!signal.aborted) {
    try {
      const stream = await connect(watch, signal);
      opened();
      wait = RETRY_MS;
      if (lost) watch.onAvailability('back');
      lost = false;
      await read(stream, watch, signal);
    } catch {
      wait = Math.min(wait * 2, MAX_RETRY_MS);
    }
    if (signal.aborted) return;
    if (!lost) watch.onAvailability('lost');
    lost = true;
    await new Promise<void>((resolve) => {
      watch.clock.after(wait, resolve);
    });
  }
}

function connect(watch: Watch, signal: AbortSignal): Promise<Readable> {
  const filters = {
    type: ['container'],
    event: ['die', 'died', 'oom'],
    label: labelFilter(watch.owner, 'dyno'),
  };
  return watch.daemon.stream({
    method: 'GET',
    path: '/events',
    query: { filters: JSON.stringify(filters) },
    ok: [200],
    signal,
  });
}

async function read(stream: Readable, watch: Watch, signal: AbortSignal): Promise<void> {
  let rest = '';
  stream.setEncoding('utf8').on('data', (text: string) => {
    const lines = (rest + text).split('\n');
    rest = lines.pop() ?? '';
    for (const line of lines) {
      const event = parseEvent(line);
      if (event) watch.onEvent(event);
    }
  });
  await once(stream, 'end', { signal });
}

/** Reads one line of the event stream; null when it does not tell of a dyno's end. */
export function parseEvent(line: string): DynoEvent | null {
  if (line.trim() === '') return null;
  let json: unknown;
  try {
    json = JSON.parse(line);
  } catch {
    return null;
  }
  const parsed = DockerEvent.safeParse(json);
  if (!parsed.success || parsed.data.dyno === null) return null;
  const { action, container, dyno, code, at } = parsed.data;
  if (action === 'oom') return { kind: 'oom', container, dyno, code: null, at };
  if (action === 'die' || action === 'died') return { kind: 'die', container, dyno, code, at };
  return null;
}
