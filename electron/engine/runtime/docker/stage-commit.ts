import { createZstdDecompress } from 'node:zlib';
import type { SlugPart } from '../runtime.ts';
import { createContainer, putArchive, removeContainer } from './containers.ts';
import { throwIfAborted } from './errors.ts';
import { commitContainer, inspectImage } from './images.ts';
import { LABEL, labels, layerImage } from './names.ts';
import { prefixes, type StagePlan, slugConfig } from './stage-plan.ts';

/**
 * Makes a slug's image by unpacking its parts one by one into containers that never run, and committing each: for
 * daemons that do not load archives with layers left out. Leading parts stay as images of their own, to be shared.
 */
export async function commitLayers(plan: StagePlan, signal: AbortSignal): Promise<void> {
  const { parts } = plan.slug;
  const names = prefixes(
    plan.image.id,
    parts.map((part) => part.key),
  ).map((prefix) => layerImage(plan.owner, prefix));
  let from = plan.image.id;
  for (const [at, part] of parts.entries()) {
    throwIfAborted(signal, `The image of slug ${plan.slug.id} could not be made`);
    const last = at === parts.length - 1;
    const name = last ? plan.name : (names[at] ?? plan.name);
    const found = last ? null : await inspectImage(plan.daemon, name);
    from = found?.id ?? (await commitPart(plan, from, part, name, last));
  }
}

async function commitPart(
  plan: StagePlan,
  from: string,
  part: SlugPart,
  name: string,
  last: boolean,
): Promise<string> {
  const { daemon, owner, slug } = plan;
  const container = await createContainer(daemon, '', {
    Image: from,
    Cmd: ['true'],
    Labels: labels(owner, 'staging', { [LABEL.app]: slug.appId }),
  });
  try {
    const bytes = slug.open(part);
    const unpacked = createZstdDecompress();
    bytes.on('error', (error) => unpacked.destroy(error));
    await putArchive(daemon, container, '/', bytes.pipe(unpacked));
    const [repo = name, tag = 'latest'] = name.split(':');
    const config = last
      ? slugConfig(plan)
      : { Labels: labels(owner, 'layer', { [LABEL.slug]: '', [LABEL.base]: plan.image.id }) };
    return await commitContainer(daemon, container, { repo, tag }, config);
  } finally {
    await removeContainer(daemon, container);
  }
}
