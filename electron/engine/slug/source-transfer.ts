import type { BuildBox } from '../runtime/runtime.ts';
import { detail } from './output-text.ts';
import type { ProjectSource } from './source.ts';

/** A source with at least this many files, or bytes, is compared with that of the last build; a smaller one is sent sooner. */
const COMPARED_FILES = 1_000;
const COMPARED_BYTES = 16 * 1024 * 1024;

/**
 * Brings a source into a build box. Of a large one only those files travel that the app's last build folder does not have as they are.
 * @param output takes the build log
 */
export async function bringSource(
  box: BuildBox,
  source: ProjectSource,
  output: (text: string) => void,
): Promise<void> {
  if (source.files < COMPARED_FILES && source.bytes < COMPARED_BYTES) {
    await send(box, source.openTar());
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

async function send(box: BuildBox, { tar, done }: ReturnType<ProjectSource['openTar']>): Promise<void> {
  await Promise.all([box.putSource(tar), done]);
}
