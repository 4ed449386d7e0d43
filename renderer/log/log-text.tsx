import type { CSSProperties, ReactElement } from 'react';
import { parseAnsi, type Span, type TextStyle } from './ansi.ts';
import type { Range } from './query.ts';
import css from './log-row.module.css';

/** Characters of one line that are drawn; the rest is behind "show all". */
export const LONGEST_SHOWN = 2_000;

/** A line's text with its colours, matches marked. */
export function LogText(props: {
  readonly text: string;
  /** Without: escape sequences are removed and the text is drawn plain. */
  readonly colours: boolean;
  readonly ranges: readonly Range[];
}): ReactElement {
  const spans = parseAnsi(props.text);
  const starts = spans.reduce<number[]>(
    (sums, span) => [...sums, (sums.at(-1) ?? 0) + span.text.length],
    [0],
  );
  return (
    <>
      {spans.map((span, index) => {
        const start = starts[index] ?? 0;
        const shown = {
          text: span.text.slice(0, Math.max(0, LONGEST_SHOWN - start)),
          style: props.colours ? span.style : null,
        };
        return <Stretch key={index} span={shown} start={start} ranges={props.ranges} />;
      })}
    </>
  );
}

function Stretch(props: {
  readonly span: Span;
  readonly start: number;
  readonly ranges: readonly Range[];
}): ReactElement {
  const { span, start, ranges } = props;
  const marked = markRanges(span.text, start, ranges);
  if (span.style === null) return <>{marked}</>;
  return (
    <span className={classesOf(span.style)} style={colourStyle(span.style)}>
      {marked}
    </span>
  );
}

/** Cuts a stretch where matches begin and end. */
function markRanges(text: string, start: number, ranges: readonly Range[]): (string | ReactElement)[] {
  const parts: (string | ReactElement)[] = [];
  let at = 0;
  for (const [from, to] of ranges) {
    const begin = Math.max(0, from - start);
    const end = Math.min(text.length, to - start);
    if (end <= begin || begin >= text.length) continue;
    if (begin > at) parts.push(text.slice(at, begin));
    parts.push(<mark key={begin}>{text.slice(begin, end)}</mark>);
    at = end;
  }
  parts.push(text.slice(at));
  return parts;
}

function classesOf(style: TextStyle): string {
  const names = (['bold', 'dim', 'italic', 'underline', 'inverse'] as const).filter((name) => style[name]);
  const own = style.foreground !== null ? ['coloured'] : [];
  const back = style.background !== null ? ['backed'] : [];
  return [...names, ...own, ...back].map((name) => css[name] ?? '').join(' ');
}

function colourStyle(style: TextStyle): CSSProperties {
  const colour = (value: number | string | null): string | undefined =>
    value === null ? undefined : typeof value === 'number' ? `var(--ansi-${value})` : value;
  return { '--ansi-own': colour(style.foreground), '--ansi-back': colour(style.background) } as CSSProperties;
}
