import type { LineFacts } from './line-facts.ts';

/** How the search field is read. */
export interface QueryOptions {
  readonly matchCase: boolean;
  readonly wholeWord: boolean;
  /** The whole text is one regular expression. */
  readonly regex: boolean;
}

/** A place in a line's plain text: first character, and the one behind the last. */
export type Range = readonly [start: number, end: number];

/** What the search field asks for. */
export interface Query {
  matches(facts: LineFacts): boolean;
  /** Where in the text to highlight; empty for terms without a text of their own. */
  ranges(text: string): readonly Range[];
}

/** A query, or why the text is none. Null for an empty field. */
export type ParsedQuery = { readonly query: Query } | { readonly problem: string } | null;

type Term = {
  readonly not: boolean;
  readonly test: (facts: LineFacts) => boolean;
  readonly pattern: RegExp | null;
};

/**
 * Reads the language of the search field (reference: ui-anchors 2.1): words that all have to be there, `"a phrase"`,
 * `-word`, `source:web.1`, `stream:stderr`, `level:error`, `status:>=500`, `/regex/`.
 */
export function parseQuery(text: string, options: QueryOptions): ParsedQuery {
  if (text.trim() === '') return null;
  try {
    const terms = options.regex
      ? [textTerm(new RegExp(text, options.matchCase ? 'gu' : 'giu'), false)]
      : splitTerms(text).map((each) => parseTerm(each, options));
    return { query: toQuery(terms) };
  } catch (error) {
    return { problem: error instanceof Error ? plainReason(error) : String(error) };
  }
}

function toQuery(terms: readonly Term[]): Query {
  const patterns = terms.flatMap((term) => (term.not || term.pattern === null ? [] : [term.pattern]));
  return {
    matches: (facts) => terms.every((term) => term.test(facts) !== term.not),
    ranges: (line) => mergeRanges(patterns.flatMap((pattern) => rangesOf(line, pattern))),
  };
}

/** Words, quoted phrases and regular expressions, each with its minus and field name. */
function splitTerms(text: string): string[] {
  return text.match(/-?(?:[a-z]+:)?"[^"]*"?|-?\/(?:[^/\\]|\\.)+\/[i]?|\S+/gi) ?? [];
}

function parseTerm(raw: string, options: QueryOptions): Term {
  const not = raw.startsWith('-') && raw.length > 1;
  const term = not ? raw.slice(1) : raw;
  const regex = /^\/((?:[^/\\]|\\.)+)\/(i?)$/.exec(term);
  if (regex?.[1] !== undefined) {
    return textTerm(new RegExp(regex[1], options.matchCase && regex[2] !== 'i' ? 'gu' : 'giu'), not);
  }
  const field = /^(source|stream|level|status):(.+)$/i.exec(term);
  if (field?.[1] !== undefined && field[2] !== undefined) {
    return { not, pattern: null, test: fieldTest(field[1].toLowerCase(), field[2].replaceAll('"', '')) };
  }
  const phrase = term.replaceAll('"', '');
  const escaped = phrase.replace(/[\\^$.*+?()[\]{}|/]/g, '\\$&');
  const pattern = options.wholeWord ? `(?<![\\p{L}\\p{N}_])${escaped}(?![\\p{L}\\p{N}_])` : escaped;
  return textTerm(new RegExp(pattern, options.matchCase ? 'gu' : 'giu'), not);
}

function textTerm(pattern: RegExp, not: boolean): Term {
  return {
    not,
    pattern,
    test(facts) {
      pattern.lastIndex = 0;
      return pattern.test(facts.plain);
    },
  };
}

function fieldTest(name: string, value: string): (facts: LineFacts) => boolean {
  const wanted = value.toLowerCase();
  if (name === 'source') return ({ source }) => source === wanted || source.startsWith(`${wanted}.`);
  if (name === 'stream') return ({ line }) => line.stream === wanted;
  if (name === 'level') return ({ level }) => level === wanted;
  const [, operator = '', digits = ''] = /^(>=|<=|>|<|=)?(\d{1,3})$/.exec(wanted) ?? [];
  if (digits === '') throw new Error(`status: wants a number, such as status:>=500, not ${value}`);
  return ({ router }) => compare(Number(router?.get('status') ?? Number.NaN), operator, Number(digits));
}

function compare(status: number, operator: string, wanted: number): boolean {
  if (operator === '>=') return status >= wanted;
  if (operator === '<=') return status <= wanted;
  if (operator === '>') return status > wanted;
  if (operator === '<') return status < wanted;
  return status === wanted;
}

function rangesOf(line: string, pattern: RegExp): Range[] {
  const ranges: Range[] = [];
  for (const match of line.matchAll(pattern)) {
    if (match[0].length > 0) ranges.push([match.index, match.index + match[0].length]);
  }
  return ranges;
}

/** Sorted, without overlaps. */
function mergeRanges(ranges: readonly Range[]): Range[] {
  const merged: Range[] = [];
  for (const range of [...ranges].sort((one, other) => one[0] - other[0])) {
    const last = merged.at(-1);
    if (last === undefined || range[0] > last[1]) merged.push(range);
    else merged[merged.length - 1] = [last[0], Math.max(last[1], range[1])];
  }
  return merged;
}

function plainReason(error: Error): string {
  const reason = error.message.replace(/^Invalid regular expression: /, '').replace(/^\/.*\/[a-z]*: /s, '');
  return `The pattern cannot be read: ${reason}`.replace('cannot be read: status', 'cannot be read. status');
}
