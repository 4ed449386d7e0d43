import { posix } from 'node:path';
import { mergeProcessTypes, type ProcessTypes } from '#shared/model/procfile.ts';
import { describeFormation } from '../app/formation.ts';
import { type BuildBox, RuntimeError } from '../runtime/runtime.ts';
import type { FormationRow } from '../store/rows.ts';
import { readFormation } from './app-json.ts';
import type { ReleaseInfo } from './buildpacks.ts';
import { BuildFailure } from './failure.ts';
import { bang, detail, step } from './output-text.ts';
import { badLines, readProcfile } from './procfile.ts';
import { withAdvice } from './stack-advice.ts';

type Output = (text: string) => void;

/**
 * The process types of a compiled app: those of its Procfile, and the buildpack's defaults for others (reference: heroku-platform 1.1).
 * @param procfile as it is behind the buildpacks; null for an app without one
 * @param advice what else could be done with an app that says nowhere how it is started, or null
 * @throws BuildFailure procfile_invalid
 */
export function discoverTypes(
  procfile: Buffer | null,
  info: ReleaseInfo,
  advice: string | null,
  output: Output,
): ProcessTypes {
  const declared = readTypes(procfile, output);
  const defaults = info.default_process_types ?? {};
  const types = mergeProcessTypes(declared, defaults);
  output(step('Discovering process types'));
  output(detail(`Procfile declares types     -> ${names(declared)}`));
  const added = Object.keys(defaults).filter((type) => !(type in declared));
  if (added.length > 0) output(detail(`Default types for buildpack -> ${added.join(', ')}`));
  if (Object.keys(types).length === 0) {
    const text =
      'The app says nowhere how it is started: it has no Procfile, and the buildpack found no default (a Node.js app needs a "start" script in package.json). Add a file named Procfile with a line such as\nweb: node server.js';
    throw new BuildFailure('procfile_invalid', withAdvice(text, advice));
  }
  return types;
}

function readTypes(bytes: Buffer | null, output: Output): ProcessTypes {
  const procfile = readProcfile(bytes);
  if (procfile.problems.length > 0)
    output(
      bang(`Warning: lines of the Procfile that are not "type: command" are skipped:\n${badLines(procfile)}`),
    );
  return procfile.types;
}

/** The formation that `app.json` asks for. What is wrong in it is a warning, whatever it is. */
export async function beginningFormation(
  box: Pick<BuildBox, 'buildDir' | 'readFile'>,
  types: readonly string[],
  output: Output,
): Promise<readonly FormationRow[]> {
  try {
    const bytes = await box.readFile(posix.join(box.buildDir, 'app.json'));
    if (bytes === null) return [];
    const { rows, warnings } = readFormation(bytes.toString('utf8'), types);
    for (const text of warnings) output(bang(`Warning: ${text}`));
    if (rows.length > 0) output(detail(`Formation of app.json       -> ${describeFormation(rows)}`));
    return rows;
  } catch (error) {
    if (!(error instanceof RuntimeError) || error.code !== 'too_large') throw error;
    output(bang('Warning: app.json is too large to be read, so its formation is not used.'));
    return [];
  }
}

function names(types: ProcessTypes): string {
  return Object.keys(types).join(', ') || '(none)';
}
