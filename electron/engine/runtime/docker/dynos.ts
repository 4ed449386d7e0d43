import type { Clock } from '../../util/clock.ts';
import type { Diagnostics } from '../../util/diagnostics.ts';
import { type DynoExit, type DynoInstance, type DynoSpec, RuntimeError } from '../runtime.ts';
import type { AppNetworks } from './app-networks.ts';
import {
  type ContainerRow,
  createContainer,
  inspectContainer,
  listContainers,
  removeContainer,
  startContainer,
} from './containers.ts';
import type { Daemon } from './daemon.ts';
import { dynoContainerName, dynoOptions, pickPort, placeIn } from './dyno-container.ts';
import { dynoFrom, isOutOfMemory, isPlace } from './dyno-labels.ts';
import { asRuntimeError, explain, whatIsMissing } from './errors.ts';
import type { DynoEvent } from './events.ts';
import type { Identities } from './identities.ts';
import { LABEL, labelFilter } from './names.ts';
import type { Reservations } from './reservations.ts';
import { signalAll } from './signals.ts';

interface DynosOptions {
  readonly daemon: Daemon;
  readonly owner: string;
  readonly clock: Clock;
  readonly diagnostics: Diagnostics;
  readonly networks: AppNetworks;
  readonly reservations: Reservations;
  readonly identities: Identities;
  /** Makes sure of the image that a dyno starts from. @returns its name */
  readonly image: (spec: DynoSpec, again: boolean) => Promise<string>;
}

interface Known {
  readonly container: string;
  dyno: DynoInstance;
}

/** Starts, ends and remembers dynos. What it remembers is only there to spare questions to the daemon. */
export class Dynos {
  private readonly options: DynosOptions;
  private readonly known = new Map<string, Known>();
  private listed = false;
  private readonly starting = new Set<string>();
  private readonly outOfMemory = new Set<string>();
  private readonly listeners = new Set<(exit: DynoExit) => void>();

  constructor(options: DynosOptions) {
    this.options = options;
  }

  /** See `Runtime.startDyno`. */
  async start(spec: DynoSpec): Promise<DynoInstance> {
    this.starting.add(spec.id);
    try {
      return (await this.redeem(spec)) ?? (await this.launch(spec, 0));
    } catch (error) {
      throw asRuntimeError(error, `The dyno ${spec.name} of ${spec.appName} could not be started`);
    } finally {
      this.starting.delete(spec.id);
    }
  }

  /** See `Runtime.signalDyno`. */
  async signal(id: string, signal: 'SIGTERM' | 'SIGKILL'): Promise<void> {
    await explain(
      `The dyno ${id} could not be sent ${signal}`,
      this.container(id).then((container) =>
        container === null ? undefined : signalAll(this.options.daemon, container, signal),
      ),
    );
  }

  /** See `Runtime.removeDyno`. */
  async remove(id: string): Promise<void> {
    await this.options.reservations.drop(id);
    const container = await explain(`The dyno ${id} could not be looked up`, this.container(id));
    if (container !== null) {
      await explain(`The dyno ${id} could not be removed`, removeContainer(this.options.daemon, container));
      await this.options.identities.forget(container);
    }
    this.known.delete(id);
  }

  /** See `Runtime.listDynos`. */
  async list(): Promise<DynoInstance[]> {
    const rows = await explain('The dynos could not be listed', this.rows());
    const real = rows.filter((row) => !isPlace(row.labels));
    const dynos = await explain(
      'The dynos could not be listed',
      Promise.all(real.map((row) => this.describe(row))),
    );
    this.listed = true;
    const present = new Set(rows.map((row) => row.labels[LABEL.dyno]));
    for (const id of this.known.keys()) if (!present.has(id) && !this.starting.has(id)) this.known.delete(id);
    return dynos.filter((dyno) => dyno !== null);
  }

  /** All containers of dynos and of places for them, with the labels of what they have become. */
  async rows(): Promise<ContainerRow[]> {
    const { daemon, owner, identities } = this.options;
    const rows = await listContainers(daemon, labelFilter(owner, 'dyno'));
    return Promise.all(
      rows.map(async (row) => {
        const identity = isPlace(row.labels) ? await identities.find(row.id) : null;
        return identity === null ? row : { ...row, labels: { ...row.labels, ...identity.labels } };
      }),
    );
  }

  /** Ids and containers of the dynos that run, as far as is known without asking; the first call asks. */
  async running(): Promise<{ readonly id: string; readonly container: string }[]> {
    if (!this.listed) await this.list();
    return [...this.known].flatMap(([id, { container, dyno }]) =>
      dyno.exit === null ? [{ id, container }] : [],
    );
  }

  /** True while a dyno is being started. */
  isStarting(id: string): boolean {
    return this.starting.has(id);
  }

  /** True when the dyno is known to have ended; its address may be another's by now. */
  hasEnded(id: string): boolean {
    return (this.known.get(id)?.dyno.exit ?? null) !== null;
  }

  /** Id of a dyno's container, or null. */
  async container(id: string): Promise<string | null> {
    const known = this.known.get(id);
    if (known) return known.container;
    const { daemon, owner } = this.options;
    const [row] = await listContainers(daemon, labelFilter(owner, 'dyno', { [LABEL.dyno]: id }));
    return row?.id ?? null;
  }

  /** See `Runtime.onExit`. */
  onExit(listener: (exit: DynoExit) => void): Disposable {
    const entry = (exit: DynoExit): void => {
      listener(exit);
    };
    this.listeners.add(entry);
    return { [Symbol.dispose]: () => this.listeners.delete(entry) };
  }

  /** Takes note of what the daemon tells. */
  async onEvent(event: DynoEvent): Promise<void> {
    if (event.kind === 'oom') {
      this.outOfMemory.add(event.dyno);
      return;
    }
    if (this.options.reservations.ended(event.container)) return;
    const exit = await this.exitOf(event);
    this.outOfMemory.delete(event.dyno);
    const known = this.known.get(event.dyno);
    if (known) known.dyno = { ...known.dyno, address: null, exit };
    for (const listener of this.listeners) listener(exit);
  }

  private async exitOf(event: DynoEvent): Promise<DynoExit> {
    let flag = this.outOfMemory.has(event.dyno);
    let { code } = event;
    if (code === null || (code === 137 && !flag)) {
      const container = await inspectContainer(this.options.daemon, event.container).catch(() => null);
      flag ||= container?.oomKilled ?? false;
      code ??= container?.exitCode ?? 137;
    }
    return { id: event.dyno, code, at: event.at, outOfMemory: isOutOfMemory(code, flag) };
  }

  /** Takes the place that was reserved for the dyno; null when there is none that fits. */
  private async redeem(spec: DynoSpec): Promise<DynoInstance | null> {
    const { daemon, reservations } = this.options;
    const facts = await reservations.redeem(spec);
    const dyno = facts && dynoFrom(facts, daemon.facts.addressable);
    if (!dyno) return null;
    this.known.set(spec.id, { container: facts.id, dyno });
    return dyno;
  }

  /** Creates and starts a container; what is missing for it is made and it is tried again. */
  private async launch(spec: DynoSpec, attempt: number): Promise<DynoInstance> {
    const { daemon, owner, networks, clock } = this.options;
    const [image, network] = await Promise.all([
      this.options.image(spec, attempt > 0),
      networks.ensure(spec.appId),
    ]);
    const place = placeIn(network, { image, port: pickPort(clock) }, attempt === 0);
    let container: string | null = null;
    try {
      container = await createContainer(
        daemon,
        dynoContainerName(owner, spec),
        dynoOptions(daemon, owner, spec, place),
      );
      await startContainer(daemon, container);
      const facts = await inspectContainer(daemon, container);
      const dyno = facts && dynoFrom(facts, daemon.facts.addressable);
      if (!dyno)
        throw new RuntimeError(
          'failed',
          `The dyno ${spec.name} of ${spec.appName} was removed while it started. Start it again.`,
        );
      this.known.set(spec.id, { container, dyno });
      return dyno;
    } catch (error) {
      if (container !== null) await removeContainer(daemon, container).catch(() => undefined);
      const missing = whatIsMissing(error);
      if (missing === 'network') networks.forget(spec.appId);
      if (attempt < 2 && missing !== null) return this.launch(spec, attempt + 1);
      throw error;
    }
  }

  private async describe(row: ContainerRow): Promise<DynoInstance | null> {
    if (row.state === 'created' || row.state === 'removing') return null;
    const id = row.labels[LABEL.dyno] ?? '';
    const known = this.known.get(id);
    const running = row.state === 'running' || row.state === 'paused';
    if (known?.container === row.id && running === (known.dyno.exit === null)) return known.dyno;
    const { daemon, identities } = this.options;
    const facts = await inspectContainer(daemon, row.id);
    const startedAt = (await identities.find(row.id))?.startedAt ?? facts?.startedAt ?? 0;
    const dyno = facts && dynoFrom({ ...facts, startedAt, labels: row.labels }, daemon.facts.addressable);
    if (dyno) this.known.set(id, { container: row.id, dyno });
    return dyno;
  }
}
