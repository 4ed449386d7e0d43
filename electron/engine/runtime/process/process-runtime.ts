import { arch, availableParallelism, release, totalmem, type as systemType } from 'node:os';
import { DEFAULT_STACK } from '#shared/model/stack.ts';
import type { Clock } from '../../util/clock.ts';
import { CacheUsers } from '../box/cache-users.ts';
import type { SourceNotes } from '../box/source-notes.ts';
import { cancelled, toRuntimeError } from '../box/tools.ts';
import type { InsideSpec, RunSpec, RunTerminal } from '../run-terminal.ts';
import type { BuilderOrder } from '../image-orders.ts';
import {
  type BuildBox,
  type BuildBoxSpec,
  type DynoExit,
  type DynoInstance,
  type DynoSpec,
  type OutputPosition,
  type OutputSink,
  type Runtime,
  type RuntimeDiskPart,
  RuntimeError,
  type RuntimeInfo,
  type SlugRef,
} from '../runtime.ts';
import { processDiskUse } from './disk.ts';
import { ProcessBuildBox } from './build-box.ts';
import { Dynos } from './dynos.ts';
import { type HostEnv, readHostEnv } from './host-env.ts';
import { Layout } from './layout.ts';
import { Leftovers } from './leftovers.ts';
import { memoryOfDynos } from './memory.ts';
import { Ports } from './ports.ts';
import type { PtyTool } from './pty.ts';
import { Runs } from './runs.ts';
import { SlugStore } from './slug-store.ts';

/** What the process runtime is made with. */
export interface ProcessRuntimeOptions {
  /** Folder for all that it keeps; nobody else writes there. */
  readonly stateDir: string;
  /** Verified downloads that the builds of all apps share; scripts see it as SLIPWAY_DOWNLOADS. */
  readonly downloadsDir: string;
  readonly clock: Clock;
  /** Variables for builds, for example the package registry of the user. */
  readonly buildEnv: Readonly<Record<string, string>>;
  /** Why Docker is not used; sentences for people. */
  readonly reasons: readonly string[];
  /** What gives one-off dynos a terminal; looked up unless given. */
  readonly terminals?: PtyTool;
}

/**
 * Opens the runtime that needs no Docker, and adopts the dynos that an engine before has left running.
 * @throws RuntimeError `unavailable` when a tool that is needed is missing or the system is not supported
 */
export async function createProcessRuntime(options: ProcessRuntimeOptions): Promise<ProcessRuntime> {
  if (process.platform === 'win32') {
    throw new RuntimeError(
      'unavailable',
      'Plain processes work on Linux and macOS only: use Docker, or WSL.',
    );
  }
  const host = await readHostEnv(process.env);
  const layout = new Layout(options.stateDir);
  try {
    await layout.make();
  } catch (error) {
    throw toRuntimeError(`making ${options.stateDir}`, error);
  }
  const runtime = new ProcessRuntime(options, layout, host);
  await runtime.listDynos();
  return runtime;
}

/** Builds and dynos as plain processes of this machine; see the notes in `info` for what that means. */
export class ProcessRuntime implements Runtime {
  readonly kind = 'process';
  private readonly options: ProcessRuntimeOptions;
  private readonly layout: Layout;
  private readonly host: HostEnv;
  private readonly slugs: SlugStore;
  private readonly users = new CacheUsers();
  private readonly runs: Runs;
  private readonly dynos: Dynos;
  private readonly leftovers: Leftovers;
  /** Boxes that are open, by the ids of their builds. */
  private readonly boxes = new Map<string, BuildBox>();
  /** What the last build folders of apps have of their sources. */
  private readonly notes = new Map<string, SourceNotes>();

  constructor(options: ProcessRuntimeOptions, layout: Layout, host: HostEnv) {
    this.options = options;
    this.layout = layout;
    this.host = host;
    this.slugs = new SlugStore(layout);
    const { slugs, users, boxes } = this;
    const { clock, downloadsDir } = options;
    const ports = new Ports(clock.random());
    const tool = options.terminals === undefined ? {} : { tool: options.terminals };
    const runs = new Runs({ layout, host, slugs, ports, ...tool });
    const dynos = new Dynos({ layout, host, slugs, ports, clock, runs });
    this.runs = runs;
    this.dynos = dynos;
    this.leftovers = new Leftovers({ layout, downloadsDir, users, boxes, slugs, runs, dynos });
  }

  info(): RuntimeInfo {
    return {
      kind: this.kind,
      version: `${systemType()} ${release()} ${arch()}`,
      isolated: false,
      available: true,
      machine: { memoryMiB: totalmem() / 2 ** 20, cpus: availableParallelism() },
      notes: [
        ...this.options.reasons,
        'Dynos and builds run as plain processes. This does not isolate them: they run as you and can read and change all your files.',
        'Memory of dynos is watched; CPU and process limits of dyno sizes are not enforced.',
        'There is no stack image and no /app: what is installed on this machine is used, and HOME is a private copy of the slug.',
      ],
    };
  }

  async prepare(stack: string, _report: (line: string) => void, signal: AbortSignal): Promise<void> {
    if (stack !== DEFAULT_STACK) throw noImages(`Stack ${stack} is made of Docker images`);
    if (signal.aborted) throw cancelled('Preparing the stack');
    await this.layout.make();
  }

  /** Folders are made in no time. */
  expectBuild(): void {
    return;
  }

  async openBuild(spec: BuildBoxSpec, signal: AbortSignal): Promise<BuildBox> {
    if (signal.aborted) throw cancelled('Opening the build');
    const { downloadsDir, buildEnv } = this.options;
    const notes = this.notes.get(spec.appId) ?? new Map<string, string>();
    this.notes.set(spec.appId, notes);
    const context = { layout: this.layout, host: this.host, downloadsDir, buildEnv, notes };
    const leave = await this.users.enter(spec.appId);
    const closed = (): void => {
      this.boxes.delete(spec.buildId);
      leave();
    };
    try {
      const box = await ProcessBuildBox.open(spec, context, closed);
      this.boxes.set(spec.buildId, box);
      return box;
    } catch (error) {
      leave();
      throw error;
    }
  }

  /** There are none. */
  forgetImageCache(): Promise<void> {
    return Promise.resolve();
  }

  prepareBuilder(builder: string): Promise<never> {
    return Promise.reject(noImages(`The builder ${builder} is a Docker image`));
  }

  buildWithBuilder({ builder }: BuilderOrder): Promise<never> {
    return this.prepareBuilder(builder);
  }

  buildImages(): Promise<never> {
    return Promise.reject(noImages('The source is to be built as a Docker image'));
  }

  async stage(slug: SlugRef, signal: AbortSignal): Promise<void> {
    if (slug.images !== null) throw noImages('This release is a Docker image');
    return this.slugs.stage(slug, signal);
  }

  unstage(slugId: string): Promise<void> {
    return this.slugs.unstage(slugId);
  }

  /** A process starts at once: there is nothing to get ready. */
  reserveDyno(): Promise<boolean> {
    return Promise.resolve(false);
  }

  startDyno(spec: DynoSpec): Promise<DynoInstance> {
    return this.dynos.start(spec);
  }

  async openRun(spec: RunSpec): Promise<RunTerminal> {
    await this.slugs.stage(spec.slug, new AbortController().signal);
    return this.runs.start(spec);
  }

  async openInside(spec: InsideSpec): Promise<RunTerminal> {
    const dyno = await this.dynos.find(spec.dyno);
    const runs = dyno !== null && dyno.exit === null;
    const place = runs ? { folder: dyno.folder, port: dyno.record.port } : null;
    const terminal = await this.runs.startInside(spec, place);
    // It may have ended meanwhile.
    if (dyno !== null && dyno.exit !== null) await this.runs.endInside(spec.dyno);
    return terminal;
  }

  async signalDyno(id: string, signal: 'SIGTERM' | 'SIGKILL'): Promise<void> {
    await Promise.all([
      this.dynos.find(id).then((dyno) => dyno?.signal(signal)),
      this.runs.signalInside(id, signal),
    ]);
  }

  removeDyno(id: string): Promise<void> {
    return this.dynos.remove(id);
  }

  listDynos(): Promise<DynoInstance[]> {
    return this.dynos.list();
  }

  isListening(instance: DynoInstance): Promise<boolean> {
    return this.dynos.isListening(instance);
  }

  memoryOf(): Promise<ReadonlyMap<string, number>> {
    return memoryOfDynos(this.dynos.all(), this.runs.leaders());
  }

  followOutput(id: string, sink: OutputSink, after?: OutputPosition): Disposable {
    return this.dynos.follow(id, sink, after);
  }

  onExit(listener: (exit: DynoExit) => void): Disposable {
    return this.dynos.onExit(listener);
  }

  /** Plain processes are never lost; the listener is not called. */
  onAvailability(): Disposable {
    return { [Symbol.dispose]: () => undefined };
  }

  destroyApp(appId: string, slugIds: readonly string[]): Promise<void> {
    this.notes.delete(appId);
    return this.leftovers.destroyApp(appId, slugIds);
  }

  sweep(keep: { readonly appIds: readonly string[]; readonly slugIds: readonly string[] }): Promise<void> {
    return this.leftovers.sweep(keep);
  }

  diskUse(): Promise<RuntimeDiskPart[]> {
    return processDiskUse(this.layout, this.options.downloadsDir);
  }

  cleanUp(keep: { readonly slugIds: readonly string[] }): Promise<void> {
    return this.leftovers.cleanUp(keep);
  }

  async close(): Promise<void> {
    this.dynos.close();
    await Promise.all([...[...this.boxes.values()].map((box) => box.close()), this.runs.close()]);
  }
}

/** @param what is the matter, as the start of a sentence */
function noImages(what: string): RuntimeError {
  const text = `${what}, and plain processes run none. Install Docker or start it, and start Slipway again without SLIPWAY_RUNTIME=process`;
  return new RuntimeError('unsupported', `${text}; or choose another stack: slipway stack:set slipway-13.`);
}
