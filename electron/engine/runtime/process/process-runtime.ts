import { mkdir, readdir } from 'node:fs/promises';
import { arch, availableParallelism, release, totalmem, type as systemType } from 'node:os';
import { join } from 'node:path';
import { DEFAULT_STACK } from '#shared/model/stack.ts';
import type { Clock } from '../../util/clock.ts';
import { CacheUsers } from '../box/cache-users.ts';
import { cancelled, toRuntimeError } from '../box/tools.ts';
import type { InsideSpec, RunSpec, RunTerminal } from '../run-terminal.ts';
import {
  type BuildBox,
  type BuildBoxSpec,
  type BuilderOrder,
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
import { buildMark, ProcessBuildBox } from './build-box.ts';
import { Dyno } from './dyno.ts';
import { FILES, readRecord, writeRecord } from './dyno-files.ts';
import { type HostEnv, readHostEnv } from './host-env.ts';
import { killMarked } from './identity.ts';
import { launchDyno } from './launch.ts';
import { emptyFolder, Layout } from './layout.ts';
import { memoryOfDynos } from './memory.ts';
import { accepts, Ports } from './ports.ts';
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
  private readonly ports: Ports;
  private readonly users = new CacheUsers();
  private readonly runs: Runs;
  private readonly dynos = new Map<string, Dyno>();
  private readonly adopting = new Map<string, Promise<Dyno | null>>();
  /** Dynos that are being made, with their slugs. */
  private readonly starting = new Map<string, string>();
  /** Build ids of boxes that are open. */
  private readonly boxes = new Map<string, BuildBox>();
  private readonly exitListeners = new Set<(exit: DynoExit) => void>();
  private closed = false;

  constructor(options: ProcessRuntimeOptions, layout: Layout, host: HostEnv) {
    this.options = options;
    this.layout = layout;
    this.host = host;
    this.slugs = new SlugStore(layout);
    this.ports = new Ports(options.clock.random());
    const { slugs, ports } = this;
    const tool = options.terminals === undefined ? {} : { tool: options.terminals };
    this.runs = new Runs({ layout, host, slugs, ports, ...tool });
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

  async openBuild(spec: BuildBoxSpec, signal: AbortSignal): Promise<BuildBox> {
    if (signal.aborted) throw cancelled('Opening the build');
    const { downloadsDir, buildEnv } = this.options;
    const context = { layout: this.layout, host: this.host, downloadsDir, buildEnv };
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

  async startDyno(spec: DynoSpec): Promise<DynoInstance> {
    const folder = this.layout.dyno(spec.id);
    if (this.dynos.has(spec.id))
      throw new RuntimeError('failed', `A dyno ${spec.id} exists already: use another id.`);
    this.starting.set(spec.id, spec.slug.id);
    const port = await this.ports.take();
    try {
      await this.slugs.stage(spec.slug, new AbortController().signal);
      await mkdir(folder, { recursive: true, mode: 0o700 });
      await this.slugs.copyTo(spec.slug, join(folder, FILES.home));
      const { id, appId, appName, name, type, release: version, command } = spec;
      const record = {
        ...{ version: 1 as const, id, appId, appName, name, type, release: version, command, port },
        slugId: spec.slug.id,
        size: spec.size.name,
        startedAt: this.options.clock.now(),
      };
      await writeRecord(folder, record);
      const child = await launchDyno(folder, spec, port, this.host);
      const dyno = this.makeDyno(record, folder);
      dyno.own(child);
      return dyno.describe();
    } catch (error) {
      this.ports.release(port);
      await this.layout.remove(folder);
      throw toRuntimeError(`starting ${spec.name} of ${spec.appName}`, error);
    } finally {
      this.starting.delete(spec.id);
    }
  }

  async openRun(spec: RunSpec): Promise<RunTerminal> {
    await this.slugs.stage(spec.slug, new AbortController().signal);
    return this.runs.start(spec);
  }

  async openInside(spec: InsideSpec): Promise<RunTerminal> {
    const dyno = await this.find(spec.dyno);
    const runs = dyno !== null && dyno.exit === null;
    const place = runs ? { folder: dyno.folder, port: dyno.record.port } : null;
    const terminal = await this.runs.startInside(spec, place);
    // It may have ended meanwhile.
    if (dyno !== null && dyno.exit !== null) await this.runs.endInside(spec.dyno);
    return terminal;
  }

  async signalDyno(id: string, signal: 'SIGTERM' | 'SIGKILL'): Promise<void> {
    await Promise.all([
      this.find(id).then((dyno) => dyno?.signal(signal)),
      this.runs.signalInside(id, signal),
    ]);
  }

  async removeDyno(id: string): Promise<void> {
    const dyno = await this.find(id);
    if (dyno === null) return;
    await dyno.end();
    await this.runs.endInside(id);
    this.dynos.delete(id);
    await this.layout.remove(dyno.folder);
  }

  async listDynos(): Promise<DynoInstance[]> {
    const ids = new Set([...(await readdir(this.layout.dynos)), ...this.dynos.keys()]);
    const dynos = await Promise.all([...ids].map((id) => this.find(id)));
    return dynos.flatMap((dyno) => (dyno === null ? [] : [dyno.describe()]));
  }

  async isListening(instance: DynoInstance): Promise<boolean> {
    const dyno = this.dynos.get(instance.id);
    if (instance.address === null || dyno === undefined || dyno.exit !== null) return false;
    return accepts(instance.address.host, instance.address.port);
  }

  memoryOf(): Promise<ReadonlyMap<string, number>> {
    return memoryOfDynos([...this.dynos.values()], this.runs.leaders());
  }

  followOutput(id: string, sink: OutputSink, after?: OutputPosition): Disposable {
    let over = false;
    let follow: Disposable | null = null;
    void this.find(id).then((dyno) => {
      if (over) return;
      if (dyno === null) sink.onEnd();
      else follow = dyno.follow(sink, after);
    });
    return {
      [Symbol.dispose]: () => {
        over = true;
        follow?.[Symbol.dispose]();
      },
    };
  }

  onExit(listener: (exit: DynoExit) => void): Disposable {
    this.exitListeners.add(listener);
    return {
      [Symbol.dispose]: () => {
        this.exitListeners.delete(listener);
      },
    };
  }

  /** Plain processes are never lost; the listener is not called. */
  onAvailability(): Disposable {
    return { [Symbol.dispose]: () => undefined };
  }

  async destroyApp(appId: string, slugIds: readonly string[]): Promise<void> {
    const own = (await this.listDynos()).filter((dyno) => dyno.appId === appId);
    await Promise.all([...own.map((dyno) => this.removeDyno(dyno.id)), this.runs.close(appId)]);
    await this.slugs.removeApp(appId, slugIds);
    await this.layout.remove(this.layout.cache(appId));
  }

  async sweep(keep: { appIds: readonly string[]; slugIds: readonly string[] }): Promise<void> {
    const apps = new Set(keep.appIds);
    await this.layout.emptyTrash();
    await this.runs.sweep();
    for (const id of await readdir(this.layout.builds)) {
      if (this.boxes.has(id)) continue;
      await killMarked(buildMark(this.layout, id));
      await this.layout.remove(this.layout.build(id));
    }
    for (const id of await readdir(this.layout.dynos)) {
      const dyno = await this.find(id);
      if (dyno === null && !this.starting.has(id)) await this.layout.remove(this.layout.dyno(id));
      else if (dyno !== null && !apps.has(dyno.record.appId)) await this.removeDyno(id);
    }
    for (const appId of await readdir(this.layout.caches)) {
      if (!apps.has(appId)) await this.layout.remove(this.layout.cache(appId));
    }
    await this.slugs.sweep(new Set(keep.slugIds));
  }

  diskUse(): Promise<RuntimeDiskPart[]> {
    return processDiskUse(this.layout, this.options.downloadsDir);
  }

  async cleanUp(keep: { readonly slugIds: readonly string[] }): Promise<void> {
    const { layout } = this;
    try {
      await this.users.clean(async (isBusy, anyBusy) => {
        for (const appId of await readdir(layout.caches)) {
          if (!isBusy(appId)) await layout.remove(layout.cache(appId));
        }
        if (!anyBusy) await emptyFolder(this.options.downloadsDir);
      });
      const running = [...this.dynos.values()].map((dyno) => dyno.record.slugId);
      await this.slugs.sweep(new Set([...keep.slugIds, ...running, ...this.starting.values()]));
      await layout.emptyTrash();
    } catch (error) {
      throw toRuntimeError('cleaning up', error);
    }
  }

  async close(): Promise<void> {
    this.closed = true;
    this.exitListeners.clear();
    for (const dyno of this.dynos.values()) dyno.close();
    await Promise.all([...[...this.boxes.values()].map((box) => box.close()), this.runs.close()]);
  }

  /** A dyno that is known, or one that an engine before has left; null when there is none. */
  private find(id: string): Promise<Dyno | null> {
    const known = this.dynos.get(id) ?? null;
    if (this.starting.has(id) || this.closed) return Promise.resolve(known);
    const adopting = this.adopting.get(id);
    if (adopting !== undefined || known !== null) return adopting ?? Promise.resolve(known);
    const adoption = this.adopt(id).finally(() => this.adopting.delete(id));
    this.adopting.set(id, adoption);
    return adoption;
  }

  private async adopt(id: string): Promise<Dyno | null> {
    const folder = this.layout.dyno(id);
    const record = await readRecord(folder);
    if (record === null || record.id !== id) return null;
    const dyno = this.makeDyno(record, folder);
    await dyno.adopt();
    return dyno;
  }

  private makeDyno(record: Dyno['record'], folder: string): Dyno {
    const dyno = new Dyno(record, folder, {
      clock: this.options.clock,
      onExit: (_dyno, exit) => {
        this.ports.release(record.port);
        // What cannot be removed now is tried again with the dyno.
        this.runs.endInside(record.id).catch(() => undefined);
        for (const listener of this.exitListeners) listener(exit);
      },
    });
    this.dynos.set(record.id, dyno);
    this.ports.reserve(record.port);
    return dyno;
  }
}

/** @param what is the matter, as the start of a sentence */
function noImages(what: string): RuntimeError {
  const text = `${what}, and plain processes run none. Install Docker or start it, and start Slipway again without SLIPWAY_RUNTIME=process`;
  return new RuntimeError('unsupported', `${text}; or choose another stack: slipway stack:set slipway-13.`);
}
