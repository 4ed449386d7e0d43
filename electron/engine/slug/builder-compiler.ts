import { randomUUID } from 'node:crypto';
import { CNB_STACK } from '#shared/model/stack.ts';
import type { BuilderImage } from '../runtime/image-orders.ts';
import type { TypeImage } from '../runtime/runtime.ts';
import type { AppState, CompiledSlug, CompileOrder, CompileTools } from './compile-order.ts';
import { formationOf, imagesDigest, shellText } from './image-compiler.ts';
import { detail, megabytes, step } from './output-text.ts';
import { SafeText } from './safe-text.ts';
import { type ProjectSource, tellNotes } from './source.ts';

/** The type that takes requests. */
const WEB = 'web';

/**
 * Builds the image of a source with the Cloud Native Buildpacks of the app's builder. Whatever goes wrong, it does not stay.
 * @throws BuildFailure with the code of what failed, RuntimeError
 */
export async function compileWithBuilder(
  order: CompileOrder,
  tools: CompileTools,
  source: ProjectSource,
  { builder, config }: Pick<AppState, 'builder' | 'config'>,
): Promise<CompiledSlug> {
  const { phases, runtime, output } = tools;
  const slugId = randomUUID();
  const safe = new SafeText();
  try {
    await phases.run('detect', () => {
      output(step(`Using builder: ${builder}`));
      tellNotes(source, output);
    });
    const image = await phases.run('compile', () =>
      runtime.buildWithBuilder(
        {
          ...{ appId: order.appId, slugId, builder, config, clearCache: order.clearCache },
          source: () => source.openTar(),
          onOutput: (text) => {
            output(safe.write(text));
          },
        },
        tools.signal,
      ),
    );
    const { commands, images } = await phases.run('types', () => typesOf(image, output));
    const formation = order.first ? await formationOf(source, Object.keys(commands), output) : [];
    return await phases.run('pack', () => {
      output(step('Keeping the image'));
      output(detail(`Done: ${megabytes(image.bytes)}`));
      return {
        ...{ id: slugId, size: image.bytes, parts: [], formation, detected: null },
        ...{ commit: source.commit, changed: source.changed },
        ...{ sha256: imagesDigest(images), images, processTypes: commands },
        ...{ language: 'Cloud Native Buildpacks', stack: CNB_STACK, wishes: {} },
      };
    });
  } catch (error) {
    await runtime.unstage(slugId).catch(() => undefined);
    throw error;
  }
}

/** All types of the image; what it starts when it is told nothing is `web`, where no type has that name. */
function typesOf(
  { id, reference, processes }: BuilderImage,
  output: (text: string) => void,
): { commands: Readonly<Record<string, string>>; images: Readonly<Record<string, TypeImage>> } {
  const commands: Record<string, string> = {};
  const images: Record<string, TypeImage> = { [WEB]: { id, reference, arguments: null } };
  output(step('Discovering process types'));
  const preset = processes.find(({ isDefault }) => isDefault);
  if (preset !== undefined) commands[WEB] = shellText(preset.words);
  for (const { type, words } of processes) {
    commands[type] = shellText(words);
    images[type] = { id, reference, arguments: [] };
  }
  for (const [type, command] of Object.entries(commands)) output(detail(`${type} -> ${command}`));
  if (processes.length === 0) output(detail('none: the buildpacks name no process that could be started'));
  return { commands, images };
}
