import { mkdtemp, rm } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { setImmediate as turn } from 'node:timers/promises';
import { ReleaseLedger } from '../release/ledger.ts';
import type {
  DynoExit,
  DynoInstance,
  DynoSpec,
  OutputSink,
  PlaceSpec,
  Runtime,
  RuntimeInfo,
  SlugRef,
} from '../runtime/runtime.ts';
import type { FormationRow, ReleaseRow } from '../store/rows.ts';
import { Store } from '../store/store.ts';
import type { Clock } from '../util/clock.ts';
import { RESTART_POLICIES } from './backoff.ts';
import { type DynoManagerOptions, PLATFORM_TIMERS } from './context.ts';
import { DynoManager } from './manager.ts';

/** A clock that stands still until `pass`. */
export class StillClock implements Clock {
  private time = 1_700_000_000_000;
  /** What somebody did to the machine's clock, in milliseconds. */
  jump = 0;
  private readonly timers = new Map<object, { readonly at: number; readonly run: () => void }>();

  now(): number {
    return this.time + this.jump;
  }

  after(ms: number, run: () => void): () => void {
    const key = {};
    this.timers.set(key, { at: this.time + ms, run });
    return () => this.timers.delete(key);
  }

  steady(): number {
    return this.time - 1_600_000_000_000;
  }

  random(): number {
    return 0;
  }

  /** Lets time pass: what is due meanwhile is called, in order, each at its time. */
  async pass(ms: number): Promise<void> {
    const end = this.time + ms;
    for (;;) {
      const [next] = [...this.timers].toSorted(([, one], [, other]) => one.at - other.at);
      if (next === undefined || next[1].at > end) break;
      this.timers.delete(next[0]);
      this.time = Math.max(this.time, next[1].at);
      next[1].run();
      await settled();
    }
    this.time = end;
    await settled();
  }
}

/** A runtime whose dynos do what the test says. A web dyno listens at once. */
export class FakeRuntime {
  readonly dynos = new Map<string, DynoInstance>();
  readonly specs = new Map<string, DynoSpec>();
  readonly removed: string[] = [];
  /** Places that were reserved, in order; those of them that became no dyno and were not given up. */
  readonly reserved: PlaceSpec[] = [];
  readonly places = new Set<string>();
  /** Whether it makes places at all. */
  makesPlaces = true;
  readonly signals: string[] = [];
  /** Bytes, by the name of the dyno. */
  readonly memory = new Map<string, number>();
  readonly sinks = new Map<string, OutputSink>();
  memoryReads = 0;
  ignoresTerm = false;
  startProblem: Error | null = null;
  /** Tells the manager that the runtime is lost or back. */
  available: (state: 'lost' | 'back') => void = () => undefined;
  /** Starts wait for it. */
  startGate: Promise<void> = Promise.resolve();
  private readonly listeners = new Set<(exit: DynoExit) => void>();

  /** As the engine sees it. */
  get runtime(): Runtime {
    return this as unknown as Runtime;
  }

  /** Memory of the machine in MiB. */
  machineMiB = 16_384;
  damage: Error | null = null;

  info(): RuntimeInfo {
    const machine = { memoryMiB: this.machineMiB, cpus: 4 };
    return { kind: 'process', version: '1', isolated: false, available: true, machine, notes: [] };
  }

  /** What `SlugRef.verify` does. */
  async verify(): Promise<void> {
    if (this.damage !== null) throw this.damage;
  }

  async stage(): Promise<void> {
    await turn();
  }

  async reserveDyno(spec: PlaceSpec): Promise<boolean> {
    await turn();
    if (!this.makesPlaces) return false;
    this.reserved.push(spec);
    this.places.add(spec.id);
    return true;
  }

  async startDyno(spec: DynoSpec): Promise<DynoInstance> {
    await this.startGate;
    await turn();
    if (this.startProblem !== null) throw this.startProblem;
    this.places.delete(spec.id);
    const { id, appId, name, type, release, command } = spec;
    const instance: DynoInstance = {
      ...{ id, appId, name, type, release, command, size: spec.size.name, startedAt: 0 },
      ...{ address: { host: '127.0.0.1', port: 5_000 }, port: 5_000, exit: null },
    };
    this.dynos.set(id, instance);
    this.specs.set(id, spec);
    return instance;
  }

  async signalDyno(id: string, signal: 'SIGTERM' | 'SIGKILL'): Promise<void> {
    this.signals.push(`${this.dynos.get(id)?.name ?? id} ${signal}`);
    if (signal === 'SIGKILL') this.end(id, 137);
    else if (!this.ignoresTerm) this.end(id, 143);
  }

  async removeDyno(id: string): Promise<void> {
    this.end(id, 137);
    this.dynos.delete(id);
    this.places.delete(id);
    this.removed.push(id);
  }

  async listDynos(): Promise<DynoInstance[]> {
    return [...this.dynos.values()];
  }

  async isListening(): Promise<boolean> {
    return true;
  }

  async memoryOf(): Promise<ReadonlyMap<string, number>> {
    this.memoryReads += 1;
    return new Map([...this.dynos.values()].map((dyno) => [dyno.id, this.memory.get(dyno.name) ?? 0]));
  }

  followOutput(id: string, sink: OutputSink): Disposable {
    this.sinks.set(id, sink);
    return { [Symbol.dispose]: () => this.sinks.delete(id) };
  }

  onExit(listener: (exit: DynoExit) => void): Disposable {
    this.listeners.add(listener);
    return { [Symbol.dispose]: () => this.listeners.delete(listener) };
  }

  onAvailability(listener: (state: 'lost' | 'back') => void): Disposable {
    this.available = listener;
    return { [Symbol.dispose]: () => undefined };
  }

  /** The dyno of that name ends. */
  exit(name: string, code: number, outOfMemory = false): void {
    const found = [...this.dynos.values()].find((dyno) => dyno.name === name && dyno.exit === null);
    if (found !== undefined) this.end(found.id, code, outOfMemory);
  }

  private end(id: string, code: number, outOfMemory = false): void {
    const found = this.dynos.get(id);
    if (found === undefined || found.exit !== null) return;
    this.dynos.set(id, { ...found, address: null, exit: { code, at: 0, outOfMemory } });
    this.sinks.get(id)?.onEnd();
    for (const listener of this.listeners) listener({ id, code, at: 0, outOfMemory });
  }

  /** The dyno of that name prints. */
  print(name: string, text: string): void {
    for (const dyno of this.dynos.values()) {
      if (dyno.name === name) this.sinks.get(dyno.id)?.onBytes('stdout', Buffer.from(text), 0, '');
    }
  }
}

/** Lets everything that is ready happen. */
export async function settled(): Promise<void> {
  for (let turns = 0; turns < 40; turns += 1) await turn();
}

/** One app on a fake runtime, with a real store. `await using` removes it. */
export interface DynoWorld extends AsyncDisposable {
  readonly store: Store;
  readonly ledger: ReleaseLedger;
  readonly runtime: FakeRuntime;
  readonly clock: StillClock;
  readonly manager: DynoManager;
  /** `web.1: text` */
  readonly lines: string[];
  readonly problems: string[];
  /** Output that was printed, `web.1: text`. */
  readonly printed: string[];
  readonly options: DynoManagerOptions;
  /** Adds a release with code. @returns its version */
  release(types?: Record<string, string>): number;
  /** The same, as a part of a change. */
  addRelease(types: Record<string, string>): ReleaseRow;
  /** Key of the part of the slug that its releases have in common. */
  packages: string;
}

/** Id and name of the app in a `DynoWorld`. */
export const APP = { id: 'a1', name: 'shop' };

const WEB: FormationRow = { type: 'web', quantity: 1, size: 'Standard-1X' };

/** Makes a world whose app has no code yet. @param formation that it has all the same */
export async function dynoWorld(
  changes: Partial<DynoManagerOptions> = {},
  formation: readonly FormationRow[] = [WEB],
): Promise<DynoWorld> {
  const folder = await mkdtemp(join(tmpdir(), 'slipway-dynos-'));
  const store = new Store(join(folder, 'slipway.db'));
  const clock = new StillClock();
  const ledger = new ReleaseLedger(store, clock);
  const row = { ...APP, stack: 'slipway-13', folder: null, serving: null, createdAt: 'now' };
  store.insertApp(row);
  ledger.begin(row, 'ann');
  for (const entry of formation) store.setFormation(APP.id, entry);
  const runtime = new FakeRuntime();
  const lines: string[] = [];
  const problems: string[] = [];
  const printed: string[] = [];
  const slugRef = (): SlugRef =>
    ({
      id: 's',
      appId: APP.id,
      stack: 's',
      sha256: '',
      images: null,
      verify: () => runtime.verify(),
    }) as SlugRef;
  const options: DynoManagerOptions = {
    ...{ store, runtime: runtime.runtime, clock, slugRef, timers: PLATFORM_TIMERS, parallelStarts: 10 },
    restarts: () => RESTART_POLICIES.short,
    cycling: () => false,
    requests: () => ({ total: 0, inFlight: 0 }),
    onReleaseChange: () => undefined,
    routing: { setRoute: () => undefined, removeRoute: () => undefined, drained: () => Promise.resolve() },
    log: (_app, ps, text) => lines.push(`${ps}: ${text}`),
    openOutput: (_app, _id, name) => ({
      sink: {
        onBytes: (_stream, bytes) => printed.push(`${name}: ${bytes.toString()}`),
        onEnd: () => undefined,
      },
      after: undefined,
    }),
    forgetOutput: () => undefined,
    onChange: () => undefined,
    onProblem: (what, error) => problems.push(`${what}: ${String(error)}`),
    ...changes,
  };
  const manager = new DynoManager(options);
  let slugs = 0;
  const common = { packages: 'packages' };
  const addRelease = (processTypes: Record<string, string>): ReleaseRow => {
    const id = `s${String((slugs += 1))}`;
    const parts = [common.packages, `code of ${id}`].map((key, at) => ({ key, offset: at, length: 1 }));
    const slug = {
      ...{ id, appId: APP.id, sha256: id.padEnd(64, '0'), size: 2, parts, processTypes },
      ...{ stack: 'slipway-13', language: 'Node.js', commit: null, createdAt: 'now', images: null },
    };
    return ledger.deploy(APP.id, { slug, description: 'Deploy', user: 'ann' });
  };
  return Object.assign(common, {
    ...{ store, ledger, runtime, clock, manager, lines, problems, printed, options },
    addRelease,
    release: (types: Record<string, string> = { web: 'node server.js' }) =>
      store.atomically(() => addRelease(types)).version,
    async [Symbol.asyncDispose]() {
      manager.close();
      store.close();
      await rm(folder, { recursive: true });
    },
  });
}
