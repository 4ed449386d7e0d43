import * as z from 'zod';

/** Where a line comes from: the app's own output and API events are `app`, the platform's are `heroku` (reference: heroku-platform 5.1). */
export const LogSource = z.enum(['app', 'heroku']);
export type LogSource = z.infer<typeof LogSource>;

/** Which output of the process a line was written to; platform lines are `stdout`. */
export const LogStream = z.enum(['stdout', 'stderr']);
export type LogStream = z.infer<typeof LogStream>;

/** One line of an app's log. */
export const LogLine = z.object({
  kind: z.literal('line'),
  /** Position in the app's log: starts at 1, grows by 1, never reused. */
  seq: z.number().int().positive(),
  /** Time of origin, microseconds since the epoch. */
  at: z.number().int(),
  source: LogSource,
  /** Process within the source: a dyno name (`web.1`), `router`, `api`, `build`, `logplex`. */
  ps: z.string(),
  stream: LogStream,
  /** The message without its line end; at most 10 000 bytes of UTF-8. */
  text: z.string(),
});
export type LogLine = z.infer<typeof LogLine>;

/** Says that lines are missing between the neighbours of this record. */
export const LogGap = z.object({
  kind: z.literal('gap'),
  /** How many lines are missing. */
  count: z.number().int().positive(),
  /** `slow`: the reader did not keep up; `dropped`: the lines are older than what is kept. */
  reason: z.enum(['slow', 'dropped']),
});
export type LogGap = z.infer<typeof LogGap>;

/** What a log stream hands out. */
export const LogRecord = z.discriminatedUnion('kind', [LogLine, LogGap]);
export type LogRecord = z.infer<typeof LogRecord>;

/** A line before logplex has given it a place. */
export type LogEntry = Omit<LogLine, 'seq' | 'kind'>;

/** Which lines a reader wants; an absent field does not filter. */
export const LogFilter = z.object({
  source: LogSource.optional(),
  /** A dyno name (`web.1`), a process type (`web`), or `router`, `api`, `build`. */
  ps: z.string().optional(),
});
export type LogFilter = z.infer<typeof LogFilter>;

/** True when the line passes the filter. A process type matches all of its dynos. */
export function matchesFilter(line: Pick<LogLine, 'source' | 'ps'>, filter: LogFilter): boolean {
  if (filter.source !== undefined && line.source !== filter.source) return false;
  if (filter.ps === undefined) return true;
  return line.ps === filter.ps || line.ps.startsWith(`${filter.ps}.`);
}

/** Time as the platform prints it, in UTC: `2026-11-21T01:18:53.573000+00:00`. */
export function formatLogTime(microseconds: number): string {
  const iso = new Date(Math.floor(microseconds / 1000)).toISOString();
  const micros = String(((microseconds % 1000) + 1000) % 1000).padStart(3, '0');
  return `${iso.slice(0, -1)}${micros}+00:00`;
}

/** One line as `heroku logs` prints it. */
export function formatLogLine(line: Pick<LogLine, 'at' | 'source' | 'ps' | 'text'>): string {
  return `${formatLogTime(line.at)} ${line.source}[${line.ps}]: ${line.text}`;
}
