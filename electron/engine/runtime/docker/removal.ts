import { setTimeout as sleep } from 'node:timers/promises';
import type { Daemon } from './daemon.ts';
import { type ContainerRow, listContainers, removeContainer } from './containers.ts';
import { LABEL, labelFilter } from './names.ts';
import { listNetworks, listVolumes, removeNetwork, removeVolume } from './networks.ts';

const TRIES = 9;
const FIRST_WAIT_MS = 50;

/** What of an engine's things is to go. */
export interface Removal {
  container(row: ContainerRow): boolean;
  /** Asked for things that belong to an app. */
  app(appId: string): boolean;
  /** Also what belongs to no app: downloads, networks of builds. */
  readonly shared: boolean;
}

/** Removes containers, networks and volumes by their labels. What is still in use is tried again for a few seconds. */
export async function removeThings(daemon: Daemon, owner: string, removal: Removal): Promise<void> {
  const label = labelFilter(owner);
  const rows = (await listContainers(daemon, label)).filter((row) => removal.container(row));
  await Promise.all(rows.map((row) => removeContainer(daemon, row.id)));
  const wanted = (labels: Readonly<Record<string, string>>): boolean => {
    const app = labels[LABEL.app];
    return app === undefined ? removal.shared : removal.app(app);
  };
  const [networks, volumes] = await Promise.all([listNetworks(daemon, label), listVolumes(daemon, label)]);
  await Promise.all([
    ...networks
      .filter((row) => wanted(row.labels))
      .map((row) => persist(() => removeNetwork(daemon, row.name))),
    ...volumes
      .filter((row) => wanted(row.labels))
      .map((row) => persist(() => removeVolume(daemon, row.name))),
  ]);
}

/** Tries until it works, each time after twice the wait: 9 times take 13 s. @returns false when it never did */
export async function persist(remove: () => Promise<boolean>, times = TRIES): Promise<boolean> {
  for (let tries = 1; !(await remove()); tries += 1) {
    if (tries === times) return false;
    await sleep(FIRST_WAIT_MS * 2 ** (tries - 1), undefined, { ref: false });
  }
  return true;
}
