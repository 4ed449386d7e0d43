import { parseProcfile, type Procfile } from '#shared/model/procfile.ts';
import { BuildFailure } from './failure.ts';

/**
 * Reads the content of a Procfile; null is an app without one.
 * @throws BuildFailure procfile_invalid when it is no text, or has lines and none of them names a process type
 */
export function readProcfile(bytes: Buffer | null): Procfile {
  if (bytes === null) return { types: {}, problems: [] };
  const text = bytes.toString('utf8');
  if (text.includes('\0') || text.includes('\uFFFD')) {
    throw new BuildFailure(
      'procfile_invalid',
      'The Procfile is no UTF-8 text. Save it as plain text with lines such as\nweb: node server.js',
    );
  }
  const procfile = parseProcfile(text);
  if (procfile.problems.length > 0 && Object.keys(procfile.types).length === 0) {
    throw new BuildFailure(
      'procfile_invalid',
      `No line of the Procfile names a process type. A line looks like "web: node server.js"; these do not:\n${badLines(procfile)}`,
    );
  }
  return procfile;
}

/** The first lines that are skipped, one below the other. */
export function badLines({ problems }: Procfile): string {
  return problems
    .map((each) => `line ${each.line}: ${each.text}`)
    .slice(0, 20)
    .join('\n');
}
