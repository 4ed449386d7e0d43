import { mkdir, rm } from 'node:fs/promises';
import { join } from 'node:path';
import { makesImages } from '#shared/model/stack.ts';
import type { Clock } from '../../util/clock.ts';
import type { Diagnostics } from '../../util/diagnostics.ts';
import type { InsideSpec, RunSpec, RunTerminal } from '../run-terminal.ts';
import type { BuilderImage, BuilderOrder, BuiltImage, ImageOrder } from '../image-orders.ts';
import {
  type BuildBox,
  type BuildBoxSpec,
  type DynoExit,
  type DynoInstance,
  type DynoSpec,
  type OutputPosition,
  type OutputSink,
  type PlaceSpec,
  type Runtime,
  type RuntimeDiskPart,
  type RuntimeInfo,
  type SlugRef,
} from '../runtime.ts';
import { AppNetworks } from './app-networks.ts';
import { removeBuildNetwork } from './box-container.ts';
import { BoxPool } from './box-pool.ts';
import { Builders } from './builders.ts';
import { connectDaemon, type Daemon } from './daemon.ts';
import { dockerDiskUse } from './disk.ts';
import { imageOf } from './dyno-container.ts';
import { followOutput } from './dyno-output.ts';
import { Dynos } from './dynos.ts';
import { explain } from './errors.ts';
import { type DynoEvent, watchEvents } from './events.ts';
import { type Keep, Leftovers } from './leftovers.ts';
import { machineMemory } from './limits.ts';
import { accepts } from './listening.ts';
import { MemoryReader } from './memory.ts';
import { Identities } from './identities.ts';
import { ReleaseImages } from './release-images.ts';
import { Reservations } from './reservations.ts';
import { InsideRuns } from './inside.ts';
import { Runs } from './runs.ts';
import { SharedRuns } from './shared-runs.ts';
import { SlugImages } from './slug-images.ts';
import { Stacks } from './stacks.ts';

/** What the Docker runtime has to be told. */
export interface DockerRuntimeOptions {
  /** Id of the data folder; goes into labels, so that engines do not touch each other's things. */
  readonly ownerId: string;
  /** Folder for short-lived files. */
  readonly stateDir: string;
  readonly clock: Clock;
  /** Variables for builds: registry settings. */
  readonly buildEnv: Readonly<Record<string, string>>;
  readonly diagnostics: Diagnostics;
  /** Socket of the daemon; without it DOCKER_HOST or the usual place. */
  readonly socketPath?: string;
  /** Stands in for the connection, in tests. */
  readonly daemon?: Daemon;
}

/** The runtime over Docker; also removes all that it ever made, for tests and for taking Slipway off a machine. */
export interface DockerRuntime extends Runtime {
  readonly kind: 'docker';
  /** Removes everything that carries this owner's label. The stack images stay. */
  purge(): Promise<void>;
}

/**
 * Connects to Docker and makes the runtime.
 * @throws RuntimeError `unavailable` naming the socket and the next step
 */
export async function createDockerRuntime(options: DockerRuntimeOptions): Promise<DockerRuntime> {
  const daemon = options.daemon ?? (await connectDaemon({ socketPath: options.socketPath ?? null }));
  const folder = join(options.stateDir, 'docker');
  await rm(folder, { recursive: true, force: true });
  await mkdir(folder, { recursive: true });
  const runtime = new Implementation(daemon, folder, options);
  await runtime.watch();
  return runtime;
}

class Implementation implements DockerRuntime {
  readonly kind = 'docker';
  private readonly daemon: Daemon;
  private readonly options: DockerRuntimeOptions;
  private readonly runs = new SharedRuns();
  private readonly stacks: Stacks;
  private readonly networks: AppNetworks;
  private readonly slugs: SlugImages;
  private readonly releases: ReleaseImages;
  private readonly boxes: BoxPool;
  private readonly builders: Builders;
  private readonly dynos: Dynos;
  private readonly reservations: Reservations;
  private readonly identities: Identities;
  private readonly memory: MemoryReader;
  private readonly oneOffs: Runs;
  private readonly inside: InsideRuns;
  private readonly leftovers: Leftovers;
  private readonly availability = new Set<(state: 'lost' | 'back') => void>();
  private available = true;
  private readonly followers = new Set<Disposable>();
  private events: Disposable | null = null;

  constructor(daemon: Daemon, folder: string, options: DockerRuntimeOptions) {
    const { ownerId: owner, clock, diagnostics, buildEnv } = options;
    this.daemon = daemon;
    this.options = options;
    this.memory = new MemoryReader(daemon);
    this.inside = new InsideRuns(daemon);
    this.networks = new AppNetworks(daemon, owner, diagnostics);
    this.releases = new ReleaseImages(daemon, owner);
    this.stacks = new Stacks(daemon, owner, this.runs);
    this.slugs = new SlugImages({
      daemon,
      owner,
      folder,
      diagnostics,
      base: (stack) => this.stacks.runBase(stack),
    });
    this.boxes = new BoxPool({ daemon, owner, clock, diagnostics, env: buildEnv, stacks: this.stacks });
    this.identities = new Identities(join(options.stateDir, 'docker-dynos'));
    this.reservations = new Reservations({
      ...{ daemon, owner, clock, identities: this.identities },
      network: (appId) => this.networks.ensure(appId),
      beginning: (spec) => this.slugs.beginning(spec.slug, new AbortController().signal),
    });
    const slugImage = (spec: DynoSpec, again: boolean): Promise<string> => this.imageFor(spec, again);
    this.dynos = new Dynos({
      ...{ daemon, owner, clock, diagnostics, networks: this.networks, image: slugImage },
      ...{ reservations: this.reservations, identities: this.identities },
    });
    this.oneOffs = new Runs({ daemon, owner, clock, networks: this.networks, image: slugImage });
    const { networks, boxes, dynos, oneOffs, inside, reservations, identities, slugs, releases } = this;
    this.builders = new Builders({ daemon, owner, env: buildEnv, boxes, releases });
    this.leftovers = new Leftovers({
      ...{ daemon, owner, clock, networks, boxes, builders: this.builders, dynos, oneOffs },
      ...{ inside, reservations, identities, slugs, releases },
    });
  }

  /** Starts to listen for the ends of dynos. */
  async watch(): Promise<void> {
    const { ownerId: owner, clock, diagnostics } = this.options;
    const onEvent = (event: DynoEvent): void => {
      this.dynos.onEvent(event).catch((error: unknown) => {
        diagnostics.problem('The end of a dyno could not be handled', error);
      });
    };
    const onAvailability = (state: 'lost' | 'back'): void => {
      diagnostics.note(state === 'lost' ? 'Docker does not answer any more.' : 'Docker answers again.');
      this.available = state === 'back';
      if (state === 'back') {
        this.leftovers.sweepPlaces().catch((error: unknown) => {
          diagnostics.problem('Reserved places could not be removed', error);
        });
      }
      for (const listener of this.availability) listener(state);
    };
    this.events = await watchEvents({ daemon: this.daemon, owner, clock, onEvent, onAvailability });
  }

  info(): RuntimeInfo {
    const { facts } = this.daemon;
    const name = facts.engine === 'podman' ? 'Podman' : 'Docker';
    const way = facts.addressable ? 'by their own address' : 'by ports of 127.0.0.1';
    const notes = [
      `${name} ${facts.version} at ${facts.address}, API ${facts.api}; dynos are reached ${way}.`,
    ];
    const missing = Object.entries(facts.limits).flatMap(([limit, there]) => (there ? [] : [limit]));
    if (missing.length > 0) notes.push(`This machine cannot limit: ${missing.join(', ')}.`);
    if (facts.engine === 'podman') notes.push('Podman may lose lines of very chatty dynos.');
    return {
      kind: 'docker',
      version: `${name} ${facts.version}`,
      isolated: true,
      available: this.available,
      machine: { memoryMiB: machineMemory(this.daemon), cpus: facts.cpus },
      notes,
    };
  }

  async prepare(stack: string, report: (line: string) => void, signal: AbortSignal): Promise<void> {
    if (!makesImages(stack)) await this.stacks.prepare(stack, report, signal);
  }

  expectBuild(spec: BuildBoxSpec): void {
    this.boxes.expect(spec);
  }

  openBuild(spec: BuildBoxSpec, signal: AbortSignal): Promise<BuildBox> {
    return this.boxes.open(spec, signal);
  }

  buildImages(order: ImageOrder, signal: AbortSignal): Promise<ReadonlyMap<string, BuiltImage>> {
    return this.releases.build(order, signal);
  }

  prepareBuilder(builder: string, report: (line: string) => void, signal: AbortSignal): Promise<void> {
    return this.builders.prepare(builder, report, signal);
  }

  buildWithBuilder(order: BuilderOrder, signal: AbortSignal): Promise<BuilderImage> {
    return this.builders.build(order, signal);
  }

  async forgetImageCache(appId: string): Promise<void> {
    const forgotten = Promise.all([this.releases.forgetSteps(appId), this.builders.forget(appId)]);
    await explain(`The build cache of app ${appId} could not be removed`, forgotten);
  }

  async stage(slug: SlugRef, signal: AbortSignal): Promise<void> {
    // The first dyno needs the network; a problem with it shows there.
    this.networks.ensure(slug.appId).catch(() => undefined);
    if (slug.images !== null) {
      await this.releases.check(slug);
      return;
    }
    await this.runs.join(
      `Staging slug ${slug.id}`,
      signal,
      () => undefined,
      (_, aborted) => this.slugs.stage(slug, aborted),
    );
  }

  async unstage(slugId: string): Promise<void> {
    await this.slugs.unstage([slugId]);
    const removed = this.releases.remove(slugId);
    await explain(`The images of slug ${slugId} could not be removed`, removed);
  }

  async reserveDyno(spec: PlaceSpec): Promise<boolean> {
    if (spec.slug.images !== null) return false;
    return explain(
      `A place for a dyno of ${spec.appName} could not be reserved`,
      this.reservations.reserve(spec),
    );
  }

  startDyno(spec: DynoSpec): Promise<DynoInstance> {
    return this.dynos.start(spec);
  }

  openRun(spec: RunSpec): Promise<RunTerminal> {
    return this.oneOffs.start(spec);
  }

  async openInside(spec: InsideSpec): Promise<RunTerminal> {
    const doing = `The dyno ${spec.dyno} could not be looked up`;
    const own = this.oneOffs.container(spec.dyno);
    return this.inside.start(spec, own ?? (await explain(doing, this.dynos.container(spec.dyno))));
  }

  signalDyno(id: string, signal: 'SIGTERM' | 'SIGKILL'): Promise<void> {
    return this.dynos.signal(id, signal);
  }

  removeDyno(id: string): Promise<void> {
    return this.dynos.remove(id);
  }

  listDynos(): Promise<DynoInstance[]> {
    return this.dynos.list();
  }

  async isListening(instance: DynoInstance): Promise<boolean> {
    if (instance.address === null || this.dynos.hasEnded(instance.id)) return false;
    return accepts(instance.address, !this.daemon.facts.addressable);
  }

  async memoryOf(): Promise<ReadonlyMap<string, number>> {
    const read = async ({
      id,
      container,
    }: {
      id: string;
      container: string;
    }): Promise<[string, number][]> => {
      const bytes = await this.memory.read(container);
      return bytes === null ? [] : [[id, bytes]];
    };
    const running = [...(await this.dynos.running()), ...this.oneOffs.all()].map(read);
    return new Map((await explain('The memory of dynos could not be read', Promise.all(running))).flat());
  }

  followOutput(id: string, sink: OutputSink, after?: OutputPosition): Disposable {
    const { clock, diagnostics } = this.options;
    const follower = followOutput({
      daemon: this.daemon,
      clock,
      diagnostics,
      container: () => this.dynos.container(id),
      sink: {
        onBytes: (stream, bytes, at, position) => {
          sink.onBytes(stream, bytes, at, position);
        },
        onEnd: () => {
          this.followers.delete(follower);
          sink.onEnd();
        },
      },
      after,
    });
    this.followers.add(follower);
    return {
      [Symbol.dispose]: () => {
        this.followers.delete(follower);
        follower[Symbol.dispose]();
      },
    };
  }

  onExit(listener: (exit: DynoExit) => void): Disposable {
    return this.dynos.onExit(listener);
  }

  onAvailability(listener: (state: 'lost' | 'back') => void): Disposable {
    const entry = (state: 'lost' | 'back'): void => {
      listener(state);
    };
    this.availability.add(entry);
    return { [Symbol.dispose]: () => this.availability.delete(entry) };
  }

  destroyApp(appId: string, slugIds: readonly string[]): Promise<void> {
    return this.leftovers.destroyApp(appId, slugIds);
  }

  sweep(keep: Keep): Promise<void> {
    return this.leftovers.sweep(keep);
  }

  cleanUp(keep: Pick<Keep, 'slugIds'>): Promise<void> {
    return this.leftovers.cleanUp(keep);
  }

  purge(): Promise<void> {
    return this.leftovers.purge();
  }

  diskUse(): Promise<RuntimeDiskPart[]> {
    const { daemon, options } = this;
    return explain('Docker could not tell what it keeps on the disk', dockerDiskUse(daemon, options.ownerId));
  }

  async close(): Promise<void> {
    this.events?.[Symbol.dispose]();
    for (const follower of this.followers) follower[Symbol.dispose]();
    this.followers.clear();
    await this.reservations.close().catch((error: unknown) => {
      this.options.diagnostics.problem('A reserved place could not be removed', error);
    });
    await Promise.all([this.oneOffs.close(), this.inside.close()]).catch((error: unknown) => {
      this.options.diagnostics.problem('A one-off dyno could not be ended', error);
    });
    await this.boxes.close();
    await removeBuildNetwork(this.daemon, this.options.ownerId).catch((error: unknown) => {
      this.options.diagnostics.problem('The network of builds could not be removed', error);
    });
  }

  private async imageFor(spec: DynoSpec, again: boolean): Promise<string> {
    if (again) {
      this.stacks.forget(spec.slug.stack);
      await this.stage(spec.slug, new AbortController().signal);
    }
    const own = imageOf(spec);
    if (own !== null) return own.id;
    return this.slugs.name(spec.slug.id);
  }
}
