import type { LogLine } from '#shared/model/log.ts';
import { ago } from '../ui/words.ts';

/** A line's time as the panel shows it, local. `at` in microseconds since the epoch. */
export function timeText(at: number, style: 'time' | 'ms' | 'relative'): string {
  const date = new Date(at / 1000);
  if (style === 'relative') return ago(date.getTime());
  const two = (value: number): string => String(value).padStart(2, '0');
  const clock = `${two(date.getHours())}:${two(date.getMinutes())}:${two(date.getSeconds())}`;
  return style === 'ms' ? `${clock}.${String(date.getMilliseconds()).padStart(3, '0')}` : clock;
}

/** Lines as they are copied and exported: bare, or with time (ISO 8601) and source before each. */
export function copyText(
  lines: readonly { readonly line: LogLine; readonly plain: string }[],
  prefix: boolean,
): string {
  return lines
    .map(({ line, plain }) =>
      prefix ? `${new Date(line.at / 1000).toISOString()} ${line.source}[${line.ps}]: ${plain}` : plain,
    )
    .join('\n');
}
