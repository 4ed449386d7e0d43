import type { Duplex } from 'node:stream';
import { pipeline } from 'node:stream/promises';
import { quote } from '../box/tools.ts';
import type { DynoSpec } from '../runtime.ts';
import { attachInput, createContainer, removeContainer, startContainer } from './containers.ts';
import type { Daemon } from './daemon.ts';
import { dynoContainerName, dynoOptions, pickPort } from './dyno-container.ts';
import type { Clock } from '../../util/clock.ts';
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
  readonly container: string;
  readonly input: Duplex;
}

interface Reservation {
  readonly spec: DynoSpec;
  /** Null when it could not be made. */
  readonly ready: Promise<Reserved | null>;
}

interface ReservationsOptions {
  readonly daemon: Daemon;
  readonly owner: string;
  readonly clock: Clock;
  network(appId: string): Promise<string>;
  /** Image with all parts of the slug but the last, or null. */
  beginning(spec: DynoSpec): Promise<string | null>;
  onProblem(error: unknown): void;
}

/** Containers that run already and wait for the last part of a slug that is being compiled. */
export class Reservations {
  private readonly options: ReservationsOptions;
  private readonly waiting = new Map<string, Reservation>();
  /** Containers that have become no dyno. */
  private readonly places = new Set<string>();

  constructor(options: ReservationsOptions) {
    this.options = options;
  }

  /** True for a dyno that is not one yet. */
  has(dynoId: string): boolean {
    return this.waiting.has(dynoId);
  }

  /** Takes note of the end of a container. @returns true when it was a place that has become no dyno, whose id it carries */
  ended(container: string): boolean {
    return this.places.delete(container);
  }

  async reserve(spec: DynoSpec): Promise<void> {
    const ready = this.make(spec).catch((error: unknown) => {
      this.options.onProblem(error);
      return null;
    });
    this.waiting.set(spec.id, { spec, ready });
    await ready;
  }

  /**
   * Turns a reservation into the dyno.
   * @returns the container's id, or null when there is no reservation that fits: then nothing of it is left
   */
  async redeem(spec: DynoSpec): Promise<string | null> {
    const reservation = this.waiting.get(spec.id);
    if (reservation === undefined) return null;
    try {
      const reserved = await reservation.ready;
      if (reserved === null) return null;
      if (fits(reservation.spec, spec)) {
        // From here on its end may be the dyno's.
        this.places.delete(reserved.container);
        if (await send(reserved.input, spec)) return reserved.container;
        this.places.add(reserved.container);
      }
      await removeContainer(this.options.daemon, reserved.container);
      return null;
    } finally {
      this.waiting.delete(spec.id);
    }
  }

  /** Gives a reservation up. */
  async drop(dynoId: string): Promise<void> {
    const reserved = await this.waiting.get(dynoId)?.ready;
    if (reserved) {
      reserved.input.destroy();
      await removeContainer(this.options.daemon, reserved.container);
    }
    this.waiting.delete(dynoId);
  }

  /** Lets go of all connections; the containers end with that. */
  close(): void {
    for (const { ready } of this.waiting.values()) void ready.then((reserved) => reserved?.input.destroy());
    this.waiting.clear();
  }

  private async make(spec: DynoSpec): Promise<Reserved | null> {
    const { daemon, owner, clock } = this.options;
    const [image, network] = await Promise.all([
      this.options.beginning(spec),
      this.options.network(spec.appId),
    ]);
    if (image === null) return null;
    const place = { image, network, port: pickPort(clock), entry: ['bash', '-c', RESERVED_START] };
    const container = await createContainer(
      daemon,
      dynoContainerName(owner, spec),
      dynoOptions(daemon, owner, { ...spec, env: {} }, place),
    );
    this.places.add(container);
    try {
      const input = await attachInput(daemon, container);
      input.on('error', () => undefined);
      await startContainer(daemon, container);
      return { container, input };
    } catch (error) {
      await removeContainer(daemon, container);
      throw error;
    }
  }
}

/** Labels and limits of the container are those of the reservation; the rest comes with the start. */
function fits(reserved: DynoSpec, spec: DynoSpec): boolean {
  const beginning = (of: DynoSpec): string =>
    of.slug.parts
      .slice(0, -1)
      .map((part) => part.key)
      .join(' ');
  return (
    reserved.appId === spec.appId &&
    reserved.appName === spec.appName &&
    reserved.name === spec.name &&
    reserved.release === spec.release &&
    reserved.command === spec.command &&
    reserved.size.name === spec.size.name &&
    beginning(reserved) === beginning(spec)
  );
}

/** @returns false when the container does not take it any more */
async function send(input: Duplex, spec: DynoSpec): Promise<boolean> {
  const last = spec.slug.parts.at(-1);
  if (last === undefined || input.destroyed) return false;
  const values = { ...spec.env, SLIPWAY_COMMAND: spec.command };
  const exports = Object.entries(values).map(([name, value]) => `export ${name}=${quote(value)}\n`);
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
