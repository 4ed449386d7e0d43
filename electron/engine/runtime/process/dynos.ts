import { mkdir, readdir } from 'node:fs/promises';
import { join } from 'node:path';
import type { Clock } from '../../util/clock.ts';
import { toRuntimeError } from '../box/tools.ts';
import {
  type DynoExit,
  type DynoInstance,
  type DynoSpec,
  type OutputPosition,
  type OutputSink,
  RuntimeError,
} from '../runtime.ts';
import { Dyno } from './dyno.ts';
import { type DynoRecord, FILES, readRecord, writeRecord } from './dyno-files.ts';
import type { HostEnv } from './host-env.ts';
import { launchDyno } from './launch.ts';
import type { Layout } from './layout.ts';
import { accepts, type Ports } from './ports.ts';
import type { Runs } from './runs.ts';
import type { SlugStore } from './slug-store.ts';

/** What dynos need of the runtime. */
interface DynosOptions {
  readonly layout: Layout;
  readonly host: HostEnv;
  readonly slugs: SlugStore;
  readonly ports: Ports;
  readonly clock: Clock;
  /** Commands inside dynos, which end with them. */
  readonly runs: Pick<Runs, 'endInside'>;
}

/** Starts, adopts, ends and remembers dynos. */
export class Dynos {
  private readonly options: DynosOptions;
  private readonly known = new Map<string, Dyno>();
  private readonly adopting = new Map<string, Promise<Dyno | null>>();
  /** Dynos that are being made, with their slugs. */
  private readonly starting = new Map<string, string>();
  private readonly exitListeners = new Set<(exit: DynoExit) => void>();
  private closed = false;

  constructor(options: DynosOptions) {
    this.options = options;
  }

  /** See `Runtime.startDyno`. */
  async start(spec: DynoSpec): Promise<DynoInstance> {
    const { layout, host, slugs, ports, clock } = this.options;
    const folder = layout.dyno(spec.id);
    if (this.known.has(spec.id))
      throw new RuntimeError('failed', `A dyno ${spec.id} exists already: use another id.`);
    this.starting.set(spec.id, spec.slug.id);
    const port = await ports.take();
    try {
      await slugs.stage(spec.slug, new AbortController().signal);
      await mkdir(folder, { recursive: true, mode: 0o700 });
      await slugs.copyTo(spec.slug, join(folder, FILES.home));
      const { id, appId, appName, name, type, release, command } = spec;
      const record = {
        ...{ version: 1 as const, id, appId, appName, name, type, release, command, port },
        slugId: spec.slug.id,
        size: spec.size.name,
        startedAt: clock.now(),
      };
      await writeRecord(folder, record);
      const child = await launchDyno(folder, spec, port, host);
      const dyno = this.remember(record, folder);
      dyno.own(child);
      return dyno.describe();
    } catch (error) {
      ports.release(port);
      await layout.remove(folder);
      throw toRuntimeError(`starting ${spec.name} of ${spec.appName}`, error);
    } finally {
      this.starting.delete(spec.id);
    }
  }

  /** A dyno that is known, or one that an engine before has left; null when there is none. */
  find(id: string): Promise<Dyno | null> {
    const known = this.known.get(id) ?? null;
    if (this.starting.has(id) || this.closed) return Promise.resolve(known);
    const adopting = this.adopting.get(id);
    if (adopting !== undefined || known !== null) return adopting ?? Promise.resolve(known);
    const adoption = this.adopt(id).finally(() => this.adopting.delete(id));
    this.adopting.set(id, adoption);
    return adoption;
  }

  /** Those that were started or found so far and are not removed. */
  all(): Dyno[] {
    return [...this.known.values()];
  }

  /** True while a dyno is being started. */
  isStarting(id: string): boolean {
    return this.starting.has(id);
  }

  /** Ids of the slugs that dynos have, or are about to have. */
  slugs(): string[] {
    return [...this.all().map((dyno) => dyno.record.slugId), ...this.starting.values()];
  }

  /** See `Runtime.listDynos`. */
  async list(): Promise<DynoInstance[]> {
    const ids = new Set([...(await readdir(this.options.layout.dynos)), ...this.known.keys()]);
    const dynos = await Promise.all([...ids].map((id) => this.find(id)));
    return dynos.flatMap((dyno) => (dyno === null ? [] : [dyno.describe()]));
  }

  /** See `Runtime.removeDyno`. */
  async remove(id: string): Promise<void> {
    const dyno = await this.find(id);
    if (dyno === null) return;
    await dyno.end();
    await this.options.runs.endInside(id);
    this.known.delete(id);
    await this.options.layout.remove(dyno.folder);
  }

  /** See `Runtime.isListening`. */
  async isListening(instance: DynoInstance): Promise<boolean> {
    const dyno = this.known.get(instance.id);
    if (instance.address === null || dyno === undefined || dyno.exit !== null) return false;
    return accepts(instance.address.host, instance.address.port);
  }

  /** See `Runtime.followOutput`. */
  follow(id: string, sink: OutputSink, after?: OutputPosition): Disposable {
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

  /** See `Runtime.onExit`. */
  onExit(listener: (exit: DynoExit) => void): Disposable {
    this.exitListeners.add(listener);
    return {
      [Symbol.dispose]: () => {
        this.exitListeners.delete(listener);
      },
    };
  }

  /** Lets go of them without touching their processes. */
  close(): void {
    this.closed = true;
    this.exitListeners.clear();
    for (const dyno of this.known.values()) dyno.close();
  }

  private async adopt(id: string): Promise<Dyno | null> {
    const folder = this.options.layout.dyno(id);
    const record = await readRecord(folder);
    if (record === null || record.id !== id) return null;
    const dyno = this.remember(record, folder);
    await dyno.adopt();
    return dyno;
  }

  private remember(record: DynoRecord, folder: string): Dyno {
    const { clock, ports, runs } = this.options;
    const dyno = new Dyno(record, folder, {
      clock,
      onExit: (_dyno, exit) => {
        ports.release(record.port);
        // What cannot be removed now is tried again with the dyno.
        runs.endInside(record.id).catch(() => undefined);
        for (const listener of this.exitListeners) listener(exit);
      },
    });
    this.known.set(record.id, dyno);
    ports.reserve(record.port);
    return dyno;
  }
}
