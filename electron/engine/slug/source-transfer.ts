import { PassThrough, pipeline } from 'node:stream';
import type { BuildBox } from '../runtime/runtime.ts';
import { detail } from './output-text.ts';
import type { ProjectSource } from './source.ts';
import type { SourceTar } from './source-tar.ts';

/** A source with at least this many files, or bytes, is compared with that of the last build; a smaller one is sent sooner. */
const COMPARED_FILES = 1_000;
const COMPARED_BYTES = 16 * 1024 * 1024;

/**
 * Begins to archive a source that is sent whole, so that the program which does it has started once the box is open.
 * @returns null for a source that is compared
 */
export function archiveAhead(source: ProjectSource): SourceTar | null {
  if (source.files >= COMPARED_FILES || source.bytes >= COMPARED_BYTES) return null;
  const { tar, done } = source.openTar();
  // Node.js throws away what nobody has read of a program's output when the program ends.
  const kept = new PassThrough();
  pipeline(tar, kept, () => undefined);
  return { tar: kept, done };
}

/**
 * Brings a source into a build box. Of a large one only those files travel that the app's last build folder does not have as they are.
 * @param whole what `archiveAhead` made of it
 * @param output takes the build log
 */
export async function bringSource(
  box: BuildBox,
  source: ProjectSource,
  whole: SourceTar | null,
  output: (text: string) => void,
): Promise<void> {
  if (whole !== null) {
    await send(box, whole);
    return;
  }
  const taken = await box.takeSource(source.marks);
  const paths = source.paths.filter((path) => !taken.has(path));
  if (taken.size > 0)
    output(
      detail(
        `${paths.length} of ${source.files} files of the source are new or changed since the last build.`,
      ),
    );
  if (paths.length > 0) await send(box, source.openTar({ folder: '.', paths }));
  await box.noteSource(source.marks);
}

async function send(box: BuildBox, { tar, done }: SourceTar): Promise<void> {
  await Promise.all([box.putSource(tar), done]);
}
