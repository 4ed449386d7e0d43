import type { LogLine } from '#shared/model/log.ts';
import { stripAnsi } from './ansi.ts';

/** How grave a line says that it is; null where it does not say. */
export type Level = 'debug' | 'info' | 'warn' | 'error' | null;

/** Fields of a router line (reference: heroku-platform 5.3), in its order. */
export type RouterFields = ReadonlyMap<string, string>;

/** A log line with what the panel derives from its text. */
export interface LineFacts {
  readonly line: LogLine;
  /** Text without escape sequences. */
  readonly plain: string;
  /** Short name of its origin: `web.1`, `router`, `api`, `build`. */
  readonly source: string;
  readonly level: Level;
  readonly router: RouterFields | null;
  /** Attributes of a JSON line, or null. */
  readonly json: Readonly<Record<string, unknown>> | null;
}

const WORD = /^(?:\[?)(trace|debug|info|notice|warn|warning|error|fatal|panic|critical)\b(?=[\]:\s]|$)/i;

/** Derives what the panel shows of a line. */
export function lineFacts(line: LogLine): LineFacts {
  const plain = stripAnsi(line.text);
  const router = line.source === 'heroku' && line.ps === 'router' ? routerFields(plain) : null;
  const json = plain.startsWith('{') && plain.endsWith('}') ? parseObject(plain) : null;
  return { line, plain, source: line.ps, router, json, level: levelOf(plain, router, json) };
}

/** Reads `key=value` and `key="value"` pairs. */
export function routerFields(text: string): RouterFields {
  const fields = new Map<string, string>();
  for (const [, key = '', quoted, bare] of text.matchAll(/([a-z_]+)=(?:"((?:[^"\\]|\\.)*)"|(\S*))/g)) {
    fields.set(key, quoted ?? bare ?? '');
  }
  return fields;
}

function levelOf(text: string, router: RouterFields | null, json: LineFacts['json']): Level {
  if (router !== null) {
    const status = Number(router.get('status'));
    return status >= 500 || router.get('at') === 'error' ? 'error' : null;
  }
  const said = json === null ? WORD.exec(text)?.[1] : (json['level'] ?? json['severity']);
  if (typeof said === 'number')
    return said >= 50 ? 'error' : said >= 40 ? 'warn' : said >= 30 ? 'info' : 'debug';
  return typeof said === 'string' ? levelOfWord(said.toLowerCase()) : null;
}

function levelOfWord(word: string): Level {
  if (word.startsWith('warn')) return 'warn';
  if (['error', 'fatal', 'panic', 'critical', 'err'].includes(word)) return 'error';
  if (['debug', 'trace'].includes(word)) return 'debug';
  return ['info', 'notice'].includes(word) ? 'info' : null;
}

function parseObject(text: string): Readonly<Record<string, unknown>> | null {
  try {
    const value: unknown = JSON.parse(text);
    return typeof value === 'object' && value !== null && !Array.isArray(value)
      ? (value as Record<string, unknown>)
      : null;
  } catch {
    return null;
  }
}
