import type { Duplex } from 'node:stream';
import { pipeline } from 'node:stream/promises';
import type { Clock } from '../../util/clock.ts';
import { quote } from '../box/tools.ts';
import type { DynoSpec, PlaceSpec } from '../runtime.ts';
import type { AppNetwork } from './app-networks.ts';
import {
  attachInput,
  type ContainerFacts,
  createContainer,
  inspectContainer,
  removeContainer,
  startContainer,
} from './containers.ts';
import type { Daemon } from './daemon.ts';
import { pickPort, placeContainerName, placeIn, placeOptions } from './dyno-container.ts';
import type { Identities } from './identities.ts';
import { DYNO_START } from './stack-recipe.ts';

/**
 * Entry of a reserved container. From its standard input it takes a line with a length, so many bytes of exports, and the archive of
 * the slug's last part; then it is a dyno like any other. It ends with its engine.
 */
const RESERVED_START = `
IFS= read -r length || exit 0
eval "$(head -c "$length")"
zstd -dcq | tar --extract --no-same-owner --no-overwrite-dir --directory / --file - || exit
command=$SLIPWAY_COMMAND
unset SLIPWAY_COMMAND
exec bash ${DYNO_START} "$command" < /dev/null
`;

interface Reserved {
  readonly facts: ContainerFacts;
  readonly input: Duplex;
}

interface Reservation {
  readonly spec: PlaceSpec;
  /** Null when there is none. */
  readonly ready: Promise<Reserved | null>;
}

interface ReservationsOptions {
  readonly daemon: Daemon;
  readonly owner: string;
  readonly clock: Clock;
  readonly identities: Identities;
  network(appId: string): Promise<AppNetwork>;
  /** Image with all parts of the slug but the last, or null. */
  beginning(spec: PlaceSpec): Promise<string | null>;
}

/** Containers that run already and wait for the last part of a slug, which makes them a dyno. */
export class Reservations {
  private readonly options: ReservationsOptions;
  private readonly waiting = new Map<string, Reservation>();
  /** Containers that have become no dyno. */
  private readonly places = new Set<string>();
  private closed = false;

  constructor(options: ReservationsOptions) {
    this.options = options;
  }

  /** True for a dyno that is not one yet. */
  has(dynoId: string): boolean {
    return this.waiting.has(dynoId);
  }

  /** Dynos that are not one yet. */
  ids(): Iterable<string> {
    return this.waiting.keys();
  }

  /** Takes note of the end of a container. @returns true when it was a place that has become no dyno, whose id it carries */
  ended(container: string): boolean {
    return this.places.delete(container);
  }

  /** See `Runtime.reserveDyno`. */
  async reserve(spec: PlaceSpec): Promise<boolean> {
    if (this.closed) return false;
    const making = this.make(spec);
    this.waiting.set(spec.id, { spec, ready: making.catch(() => null) });
    try {
      return (await making) !== null;
    } finally {
      if ((await making.catch(() => null)) === null) this.waiting.delete(spec.id);
    }
  }

  /**
   * Turns a reservation into the dyno.
   * @returns its container, or null when there is no reservation that fits: then nothing of it is left
   */
  async redeem(spec: DynoSpec): Promise<ContainerFacts | null> {
    const reservation = this.waiting.get(spec.id);
    if (reservation === undefined) return null;
    try {
      const reserved = await reservation.ready;
      if (reserved === null) return null;
      const facts = fits(reservation.spec, spec) ? await this.become(reserved, spec) : null;
      if (facts === null) await this.remove(reserved);
      return facts;
    } finally {
      this.waiting.delete(spec.id);
    }
  }

  /** Gives a reservation up. */
  async drop(dynoId: string): Promise<void> {
    const reserved = await this.waiting.get(dynoId)?.ready;
    if (reserved) await this.remove(reserved);
    this.waiting.delete(dynoId);
  }

  /** Gives the reservations of an app up, or all of them. */
  async dropAll(appId?: string): Promise<void> {
    const chosen = [...this.waiting.values()].filter(
      ({ spec }) => appId === undefined || spec.appId === appId,
    );
    await Promise.all(chosen.map(({ spec }) => this.drop(spec.id)));
  }

  /** Gives all up and makes no more. */
  async close(): Promise<void> {
    this.closed = true;
    await this.dropAll();
  }

  private async become({ facts, input }: Reserved, spec: DynoSpec): Promise<ContainerFacts | null> {
    const { identities, clock } = this.options;
    // From here on its end may be the dyno's; one that has ended already is no place any more.
    if (!this.places.delete(facts.id)) return null;
    // Where it cannot be written down, on a full disk, the dyno gets a container of its own.
    const identity = await identities.set(facts.id, spec, clock.now()).catch(() => null);
    if (identity !== null && (await send(input, spec))) {
      const { labels, startedAt } = identity;
      return { ...facts, startedAt, labels: { ...facts.labels, ...labels } };
    }
    this.places.add(facts.id);
    await identities.forget(facts.id);
    return null;
  }

  private async remove({ facts, input }: Reserved): Promise<void> {
    input.destroy();
    await removeContainer(this.options.daemon, facts.id);
  }

  private async make(spec: PlaceSpec): Promise<Reserved | null> {
    const { daemon, owner, clock } = this.options;
    const [image, network] = await Promise.all([
      this.options.beginning(spec),
      this.options.network(spec.appId),
    ]);
    if (image === null || this.closed) return null;
    const place = placeIn(network, { image, port: pickPort(clock) });
    const container = await createContainer(
      daemon,
      placeContainerName(owner, spec),
      placeOptions(daemon, owner, spec, place, ['bash', '-c', RESERVED_START]),
    );
    this.places.add(container);
    try {
      const input = await attachInput(daemon, container);
      input.on('error', () => undefined);
      await startContainer(daemon, container);
      const facts = await inspectContainer(daemon, container);
      if (facts?.running === true) return { facts, input };
    } catch (error) {
      await removeContainer(daemon, container);
      throw error;
    }
    await removeContainer(daemon, container);
    return null;
  }
}

/** Limits and the beginning of the slug are those of the place; the rest comes with the start. */
function fits(place: PlaceSpec, spec: DynoSpec): boolean {
  const beginning = (of: PlaceSpec): string =>
    of.slug.parts
      .slice(0, -1)
      .map((part) => part.key)
      .join(' ');
  return (
    place.appId === spec.appId &&
    place.slug.stack === spec.slug.stack &&
    place.appName === spec.appName &&
    place.size.name === spec.size.name &&
    beginning(place) === beginning(spec)
  );
}

/** Variables that every dyno has from its container. */
const FIXED: ReadonlySet<string> = new Set(['HOME', 'PORT']);

/** @returns false when the container does not take it any more */
async function send(input: Duplex, spec: DynoSpec): Promise<boolean> {
  const last = spec.slug.parts.at(-1);
  if (last === undefined || input.destroyed) return false;
  const values = { ...spec.env, SLIPWAY_COMMAND: spec.command };
  const exports = Object.entries(values)
    .filter(([name]) => !FIXED.has(name))
    .map(([name, value]) => `export ${name}=${quote(value)}\n`);
  const script = Buffer.from(exports.join(''));
  input.write(`${String(script.length)}\n`);
  input.write(script);
  try {
    await pipeline(spec.slug.open(last), input);
    return true;
  } catch {
    return false;
  }
}
