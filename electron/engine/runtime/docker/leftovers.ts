import type { Clock } from '../../util/clock.ts';
import type { AppNetworks } from './app-networks.ts';
import { forgetBuildNetwork } from './box-container.ts';
import type { BoxPool } from './box-pool.ts';
import type { Builders } from './builders.ts';
import { type ContainerRow, removeContainer } from './containers.ts';
import type { Daemon } from './daemon.ts';
import { isPlace } from './dyno-labels.ts';
import type { Dynos } from './dynos.ts';
import { explain } from './errors.ts';
import type { Identities } from './identities.ts';
import { listImages, removeImage } from './images.ts';
import type { InsideRuns } from './inside.ts';
import { LABEL, labelFilter } from './names.ts';
import { listVolumes } from './networks.ts';
import type { ReleaseImages } from './release-images.ts';
import { removeThings } from './removal.ts';
import type { Reservations } from './reservations.ts';
import type { Runs } from './runs.ts';
import type { SlugImages } from './slug-images.ts';

/** Containers with packages being installed are left alone for so long: another engine or `npm run stack` may be at it. */
const STACK_CONTAINER_MS = 30 * 60_000;

/** What a sweep leaves alone. */
export interface Keep {
  readonly appIds: readonly string[];
  readonly slugIds: readonly string[];
}

/** Those of the runtime that have things in Docker. */
interface Parts {
  readonly daemon: Daemon;
  readonly owner: string;
  readonly clock: Clock;
  readonly networks: AppNetworks;
  readonly boxes: BoxPool;
  readonly builders: Builders;
  readonly dynos: Dynos;
  readonly oneOffs: Runs;
  readonly inside: InsideRuns;
  readonly reservations: Reservations;
  readonly identities: Identities;
  readonly slugs: SlugImages;
  readonly releases: ReleaseImages;
}

/** Removes from Docker what nobody needs any more. */
export class Leftovers {
  private readonly parts: Parts;

  constructor(parts: Parts) {
    this.parts = parts;
  }

  /** See `Runtime.destroyApp`. */
  async destroyApp(appId: string, slugIds: readonly string[]): Promise<void> {
    const places = explain(
      `The reserved places of app ${appId} could not be removed`,
      this.parts.reservations.dropAll(appId),
    );
    await Promise.all([
      this.parts.boxes.forget(appId),
      this.parts.oneOffs.close(appId),
      this.parts.networks.untilMade(appId),
      places,
    ]);
    const ofApp = (id: string | undefined): boolean => id === appId;
    const removal = {
      container: (row: ContainerRow) => ofApp(row.labels[LABEL.app]),
      app: ofApp,
      shared: false,
    };
    await explain(
      `The app ${appId} could not be removed from Docker`,
      removeThings(this.parts.daemon, this.parts.owner, removal),
    );
    this.parts.networks.forget(appId);
    const images = listImages(
      this.parts.daemon,
      labelFilter(this.parts.owner, 'slug', { [LABEL.app]: appId }),
    );
    const rows = await explain(`The images of app ${appId} could not be listed`, images);
    await this.parts.slugs.unstage([
      ...new Set([...slugIds, ...rows.flatMap((row) => row.labels[LABEL.slug] ?? [])]),
    ]);
    await explain(`The images of app ${appId} could not be removed`, this.parts.releases.removeApp(appId));
    await explain('What builds shared could not be removed', this.removeSharedByNone());
  }

  /** With the last app go the downloads and the network of builds, so that nothing stays behind. */
  private async removeSharedByNone(): Promise<void> {
    const { owner } = this.parts;
    const caches = await listVolumes(this.parts.daemon, labelFilter(owner, 'cache'));
    if (caches.length > 0 || this.parts.boxes.containers().size > 0) return;
    await removeThings(this.parts.daemon, owner, { container: () => false, app: () => false, shared: true });
    forgetBuildNetwork(this.parts.daemon);
  }

  /** See `Runtime.sweep`. */
  async sweep(keep: Keep): Promise<void> {
    const apps = new Set(keep.appIds);
    const held = new Set([...this.parts.boxes.containers(), ...this.parts.builders.containers()]);
    const now = this.parts.clock.now();
    await this.sweepPlaces();
    const dynos = await explain('Leftovers could not be listed', this.parts.dynos.rows());
    await this.parts.identities.sweep(new Set(dynos.map((row) => row.id)));
    const container = (row: ContainerRow): boolean => {
      const kind = row.labels[LABEL.kind];
      if (kind === 'stack') return now - row.createdAt > STACK_CONTAINER_MS;
      if (kind === 'build' || kind === 'staging') return !held.has(row.id);
      if (kind === 'run') return !this.parts.oneOffs.holds(row.labels[LABEL.dyno] ?? '');
      const id = row.labels[LABEL.dyno] ?? '';
      const pending = this.parts.dynos.isStarting(id) || this.parts.reservations.has(id);
      const halfMade = row.state === 'created' && !pending;
      return halfMade || !apps.has(row.labels[LABEL.app] ?? '');
    };
    const removal = { container, app: (id: string) => !apps.has(id), shared: false };
    await explain(
      'Leftovers could not be removed from Docker',
      removeThings(this.parts.daemon, this.parts.owner, removal),
    );
    const left = await explain('The dynos could not be listed', this.parts.dynos.rows());
    const running = left.filter((row) => row.state === 'running');
    await explain(
      'Commands inside dynos could not be ended',
      Promise.all(running.map((row) => this.parts.inside.sweep(row.id))),
    );
    await explain('Images of old slugs could not be removed', this.parts.slugs.sweep(keep.slugIds));
    await explain('Images of old releases could not be removed', this.parts.releases.sweep(keep));
  }

  /** Removes places that nothing waits for: those of an engine before, and those that were being made when Docker ended. */
  async sweepPlaces(): Promise<void> {
    const { daemon, dynos, reservations } = this.parts;
    // A place may become a dyno while the list is made.
    const before = new Set(reservations.ids());
    const rows = await explain('Leftovers could not be listed', dynos.rows());
    const isWaiting = (id: string): boolean => before.has(id) || reservations.has(id);
    const left = rows.filter((row) => isPlace(row.labels) && !isWaiting(row.labels[LABEL.dyno] ?? ''));
    const removed = left.map((row) => removeContainer(daemon, row.id));
    await explain('Reserved places could not be removed from Docker', Promise.all(removed));
  }

  /** See `Runtime.cleanUp`. */
  async cleanUp(keep: Pick<Keep, 'slugIds'>): Promise<void> {
    const doing = 'What is not needed could not be removed from Docker';
    await explain(doing, this.parts.boxes.removeCaches());
    await explain(doing, this.parts.releases.forgetSteps());
    const running = (await explain(doing, this.parts.dynos.rows())).flatMap(
      (row) => row.labels[LABEL.slug] ?? [],
    );
    await explain(doing, this.parts.slugs.sweep([...keep.slugIds, ...running]));
  }

  /** See `DockerRuntime.purge`. */
  async purge(): Promise<void> {
    await this.parts.boxes.close();
    const everything = { container: () => true, app: () => true, shared: true };
    await removeThings(this.parts.daemon, this.parts.owner, everything);
    forgetBuildNetwork(this.parts.daemon);
    await this.parts.releases.forgetSteps();
    for (const image of await listImages(this.parts.daemon, labelFilter(this.parts.owner))) {
      await removeImage(this.parts.daemon, image.tags[0] ?? image.id);
    }
  }
}
