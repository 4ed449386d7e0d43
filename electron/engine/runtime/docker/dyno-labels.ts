import * as z from 'zod';
import type { DynoAddress, DynoInstance, DynoSpec, PlaceSpec } from '../runtime.ts';
import type { ContainerFacts } from './containers.ts';
import { LABEL, labels } from './names.ts';

const DynoLabels = z.object({
  [LABEL.dyno]: z.string(),
  [LABEL.app]: z.string(),
  [LABEL.dynoName]: z.string(),
  [LABEL.type]: z.string(),
  [LABEL.release]: z.coerce.number().int(),
  [LABEL.port]: z.coerce.number().int(),
  [LABEL.size]: z.string(),
  [LABEL.command]: z.string(),
});

/** Labels from which the next engine knows the dyno again; a one-off dyno is of the kind `run`. */
export function dynoLabels(
  owner: string,
  spec: DynoSpec,
  port: number,
  kind: 'dyno' | 'run' = 'dyno',
): Record<string, string> {
  const image = spec.slug.images === null ? {} : { [LABEL.image]: 'yes' };
  return { ...placeLabels(owner, spec, port, kind), ...dynoName(spec), ...image };
}

/** Labels of a container whether it is a dyno already or a place for one. */
export function placeLabels(
  owner: string,
  spec: PlaceSpec,
  port: number,
  kind: 'dyno' | 'run' = 'dyno',
): Record<string, string> {
  return labels(owner, kind, {
    [LABEL.dyno]: spec.id,
    [LABEL.app]: spec.appId,
    [LABEL.appName]: spec.appName,
    [LABEL.port]: String(port),
    [LABEL.size]: spec.size.name,
  });
}

/** What makes a place a certain dyno, as labels. */
export function dynoName(spec: DynoSpec): Record<string, string> {
  return {
    [LABEL.dynoName]: spec.name,
    [LABEL.type]: spec.type,
    [LABEL.release]: String(spec.release),
    [LABEL.command]: spec.command,
    [LABEL.slug]: spec.slug.id,
  };
}

/** True for labels of a place that nothing tells has become a dyno. */
export function isPlace(labelled: Readonly<Record<string, string>>): boolean {
  return labelled[LABEL.kind] === 'dyno' && labelled[LABEL.dynoName] === undefined;
}

/**
 * A dyno from its container, or null when the labels are not those of a dyno.
 * @param addressable whether the container's own address can be reached
 */
export function dynoFrom(container: ContainerFacts, addressable: boolean): DynoInstance | null {
  const parsed = DynoLabels.safeParse(container.labels);
  if (!parsed.success) return null;
  const found = parsed.data;
  const port = found[LABEL.port];
  return {
    id: found[LABEL.dyno],
    appId: found[LABEL.app],
    name: found[LABEL.dynoName],
    type: found[LABEL.type],
    release: found[LABEL.release],
    size: found[LABEL.size],
    command: found[LABEL.command],
    port,
    address: container.running ? addressOf(container, port, addressable) : null,
    startedAt: container.startedAt,
    exit: container.running
      ? null
      : {
          code: container.exitCode,
          at: container.finishedAt,
          outOfMemory: isOutOfMemory(container.exitCode, container.oomKilled),
        },
  };
}

function addressOf(container: ContainerFacts, port: number, addressable: boolean): DynoAddress | null {
  if (addressable) return container.ip === null ? null : { host: container.ip, port };
  const published = container.published.get(port);
  return published === undefined ? null : { host: '127.0.0.1', port: published };
}

/** Docker's flag also stands when only a child ran out of memory and the dyno went on; then it is not why it ended. */
export function isOutOfMemory(code: number, flag: boolean): boolean {
  return flag && code === 137;
}
