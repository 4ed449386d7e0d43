import { ConfigName } from '#shared/model/config.ts';

/** What a text in the form of a `.env` file says. */
export interface ParsedEnv {
  readonly vars: Readonly<Record<string, string>>;
  /** Lines that say nothing usable, with the reason. */
  readonly problems: readonly { readonly line: number; readonly reason: string }[];
}

const ESCAPES: Readonly<Record<string, string>> = { n: '\n', r: '\r', t: '\t', '"': '"', '\\': '\\' };

/** Reads `NAME=value` lines; `export`, `#` comments, single and double quotes (also over several lines) as such files have them. */
export function parseEnv(text: string): ParsedEnv {
  const vars = new Map<string, string>();
  const problems: { line: number; reason: string }[] = [];
  const pattern =
    /^[ \t]*(?:export[ \t]+)?([^=\s#][^=\n]*?)[ \t]*=[ \t]*(?:"((?:[^"\\]|\\[\s\S])*)"|'([^']*)'|([^\n]*?))[ \t]*(?:[ \t]#[^\n]*)?$/;
  let rest = text.replaceAll('\r\n', '\n');
  let line = 1;
  while (rest !== '') {
    const match = pattern.exec(firstEntry(rest));
    const used = match === null || match[0] === '' ? firstLine(rest) : match[0];
    if (match?.[1] !== undefined) add(match);
    else if (!/^\s*(#.*)?$/.test(used)) problems.push({ line, reason: 'it does not read NAME=value' });
    line += used.split('\n').length;
    rest = rest.slice(used.length).replace(/^[^\n]*\n?/, '');
  }
  return { vars: Object.fromEntries(vars), problems };

  function add(match: RegExpExecArray): void {
    const name = match[1] ?? '';
    const checked = ConfigName.safeParse(name);
    if (!checked.success) problems.push({ line, reason: checked.error.issues[0]?.message ?? 'no name' });
    else {
      if (vars.has(name)) problems.push({ line, reason: `${name} is there twice; the last one counts` });
      const quoted = match[2]?.replace(/\\([nrt"\\])/g, (_, letter: string) => ESCAPES[letter] ?? letter);
      vars.set(name, quoted ?? match[3] ?? match[4] ?? '');
    }
  }
}

function firstLine(text: string): string {
  const end = text.indexOf('\n');
  return end < 0 ? text : text.slice(0, end);
}

/** The first line, or as many lines as a quoted value goes over. */
function firstEntry(text: string): string {
  const quoted = /^[^\n=#]*=[ \t]*(?:"(?:[^"\\]|\\[\s\S])*"|'[^']*')[^\n]*/.exec(text);
  return quoted?.[0] ?? firstLine(text);
}

/** Config vars as the text of a `.env` file; what `parseEnv` reads back. */
export function formatEnv(vars: Readonly<Record<string, string>>): string {
  return Object.entries(vars)
    .sort(([one], [other]) => one.localeCompare(other, 'en'))
    .map(([name, value]) => `${name}=${/^[\w./:@%+,-]*$/.test(value) ? value : quote(value)}\n`)
    .join('');
}

function quote(value: string): string {
  const escaped = value
    .replace(/["\\]/g, (letter) => `\\${letter}`)
    .replaceAll('\n', '\\n')
    .replaceAll('\r', '\\r')
    .replaceAll('\t', '\\t');
  return `"${escaped}"`;
}

/** What applying a text would do to the vars there are. */
export function envChange(
  before: Readonly<Record<string, string>>,
  after: Readonly<Record<string, string>>,
): Readonly<Record<string, string | null>> {
  const change: Record<string, string | null> = {};
  for (const [name, value] of Object.entries(after)) if (before[name] !== value) change[name] = value;
  for (const name of Object.keys(before)) if (!Object.hasOwn(after, name)) change[name] = null;
  return change;
}
