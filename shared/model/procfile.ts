/** Process types of an app: type → command, in the order of the Procfile. */
export type ProcessTypes = Readonly<Record<string, string>>;

/** A line that a Procfile parser could not read. */
export interface ProcfileProblem {
  /** 1-based. */
  readonly line: number;
  readonly text: string;
}

/** Result of reading a Procfile. */
export interface Procfile {
  readonly types: ProcessTypes;
  /** Lines that are neither blank, comment nor `type: command`; the platform skips them. */
  readonly problems: readonly ProcfileProblem[];
}

const LINE = /^([A-Za-z0-9_-]{1,63})\s*:\s*(\S.*)$/;

/**
 * Reads a Procfile (reference: heroku-platform 1.1): `type: command`, `#` comments, the last of two
 * equal types wins. Accepts a byte-order mark and Windows line ends.
 */
export function parseProcfile(text: string): Procfile {
  const types = new Map<string, string>();
  const problems: ProcfileProblem[] = [];
  const lines = text.replace(/^\uFEFF/, '').split(/\r\n|\n|\r/);
  for (const [index, raw] of lines.entries()) {
    const line = raw.trim();
    if (line === '' || line.startsWith('#')) continue;
    const match = LINE.exec(line);
    if (match?.[1] !== undefined && match[2] !== undefined) types.set(match[1], match[2].trimEnd());
    else problems.push({ line: index + 1, text: raw.slice(0, 200) });
  }
  return { types: Object.fromEntries(types), problems };
}

/** Adds a buildpack's default process types where the Procfile does not declare them. */
export function mergeProcessTypes(declared: ProcessTypes, defaults: ProcessTypes): ProcessTypes {
  return {
    ...declared,
    ...Object.fromEntries(Object.entries(defaults).filter(([type]) => !(type in declared))),
  };
}
