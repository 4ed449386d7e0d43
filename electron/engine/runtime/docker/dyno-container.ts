import { CNB_STACK } from '#shared/model/stack.ts';
import type { Clock } from '../../util/clock.ts';
import type { RunSpec } from '../run-terminal.ts';
import { type DynoSpec, type PlaceSpec, RuntimeError, type TypeImage } from '../runtime.ts';
import { sizeVariables, ulimitFunction } from '../size-figures.ts';
import type { AppNetwork } from './app-networks.ts';
import type { Daemon } from './daemon.ts';
import { dynoLabels, placeLabels } from './dyno-labels.ts';
import { dynoLimits, machineMemory } from './limits.ts';
import { dockerName, shortHash } from './names.ts';
import { DYNO_START } from './stack-recipe.ts';

const FIRST_PORT = 10_000;
const PORTS = 50_000;

/** Picks the value of PORT. Each dyno has an address of its own, so any will do. */
export function pickPort(clock: Clock): number {
  return FIRST_PORT + Math.floor(clock.random() * PORTS);
}

/** Name of a dyno's container: readable, and different for every dyno. */
export function dynoContainerName(owner: string, spec: DynoSpec): string {
  return containerName(owner, spec, dockerName(spec.name, 30));
}

/** Name of the container of a reserved place. */
export function placeContainerName(owner: string, spec: PlaceSpec): string {
  return containerName(owner, spec, 'place');
}

function containerName(owner: string, spec: PlaceSpec, what: string): string {
  return `slipway-${shortHash(owner)}-${dockerName(spec.appName, 30)}-${what}-${dockerName(spec.id, 60)}`;
}

/** Where and from what a dyno's container is made. */
export interface DynoPlace {
  readonly image: string;
  readonly network: string;
  /** In the network; null where Docker chooses. */
  readonly address: string | null;
  readonly port: number;
}

/** A place at the network's next address, or at one that Docker chooses. */
export function placeIn(
  { name, addresses }: AppNetwork,
  { image, port }: Pick<DynoPlace, 'image' | 'port'>,
  chosen = true,
): DynoPlace {
  return { image, port, network: name, address: chosen ? (addresses?.next() ?? null) : null };
}

/** Options of the Docker API for a dyno's container. */
export function dynoOptions(daemon: Daemon, owner: string, spec: DynoSpec, place: DynoPlace): object {
  return {
    ...servingOptions(daemon, spec, spec.env, place),
    ...command(spec),
    Labels: dynoLabels(owner, spec, place.port),
  };
}

/** The same for a reserved place, which reads from its standard input what dyno it becomes. @param entry its command */
export function placeOptions(
  daemon: Daemon,
  owner: string,
  spec: PlaceSpec,
  place: DynoPlace,
  entry: readonly string[],
): object {
  return {
    ...servingOptions(daemon, spec, {}, place),
    Cmd: entry,
    Labels: placeLabels(owner, spec, place.port),
    OpenStdin: true,
    StdinOnce: true,
    AttachStdin: true,
  };
}

/** What dynos have that are reached from outside. */
function servingOptions(
  daemon: Daemon,
  spec: PlaceSpec,
  env: Readonly<Record<string, string>>,
  place: DynoPlace,
): object {
  const inside = `${String(place.port)}/tcp`;
  const common = commonOptions(daemon, spec, env, place);
  const published = daemon.facts.addressable
    ? {}
    : { ExposedPorts: { [inside]: {} }, PortBindings: { [inside]: [{ HostIp: '127.0.0.1', HostPort: '' }] } };
  return {
    ...common,
    AttachStdout: false,
    AttachStderr: false,
    ...('ExposedPorts' in published ? { ExposedPorts: published.ExposedPorts } : {}),
    HostConfig: {
      ...common.HostConfig,
      LogConfig: logConfig(daemon),
      ...('PortBindings' in published ? { PortBindings: published.PortBindings } : {}),
    },
  };
}

/**
 * Waits until the engine has set the size of the terminal, then is a dyno like any other. It does not set the size itself, as its client
 * may have changed that already. Five seconds are for an engine that was killed between both.
 */
export const RUN_START = `for try in {1..500}; do [ "$(stty size)" = '0 0' ] || break; sleep 0.01; done; exec bash ${DYNO_START} "$1"`;

/**
 * Options of the Docker API for a one-off dyno's container: on a terminal, without a log of the daemon's and with no port to
 * the outside, as nothing is routed to it. Its terminal has to be given its size once it has started.
 */
export function runOptions(daemon: Daemon, owner: string, spec: RunSpec, place: DynoPlace): object {
  const common = commonOptions(daemon, spec, spec.env, place);
  return {
    ...common,
    ...(imageOf(spec) === null ? { Cmd: ['bash', '-c', RUN_START, 'bash', spec.command] } : command(spec)),
    Labels: dynoLabels(owner, spec, place.port, 'run'),
    Tty: true,
    OpenStdin: true,
    StdinOnce: true,
    AttachStdin: true,
    AttachStdout: true,
    AttachStderr: true,
    HostConfig: { ...common.HostConfig, LogConfig: { Type: 'none' } },
  };
}

/**
 * Command of a dyno: of a slug by its start script; of an image by its own entry point, or else a shell (see `TypeImage`); of one that
 * Cloud Native Buildpacks made by its launcher, which knows the process types (buildpacks.io: platform specification, "Launch").
 */
function command(spec: DynoSpec): object {
  const image = imageOf(spec);
  if (image === null) return { Cmd: ['bash', DYNO_START, spec.command] };
  if (spec.slug.stack !== CNB_STACK) return { Cmd: image.arguments ?? ['/bin/sh', '-c', spec.command] };
  return image.arguments === null
    ? { Entrypoint: ['/cnb/lifecycle/launcher'], Cmd: [spec.command] }
    : { Entrypoint: [`/cnb/process/${spec.type}`], Cmd: image.arguments };
}

/**
 * The image that a dyno starts from, or null for a slug's archive: that of its process type; a one-off dyno has that of the type
 * whose command it runs, else that of `web`, else any.
 */
export function imageOf({
  slug,
  type,
  imageType = type,
}: Pick<DynoSpec, 'slug' | 'type' | 'imageType'>): TypeImage | null {
  const { images } = slug;
  if (images === null) return null;
  const found = images[imageType] ?? images['web'] ?? Object.values(images)[0];
  if (found === undefined) throw new RuntimeError('failed', `Slug ${slug.id} names no image. Deploy again.`);
  return found === images[type] ? found : { ...found, arguments: null };
}

/** Name under which bash finds an exported function `ulimit`. */
const ULIMIT = 'BASH_FUNC_ulimit%%';

const SLUG_SURROUNDINGS = { User: '1000:1000', WorkingDir: '/app' };

/**
 * An image says itself where its processes work. Their user is one that nobody knows, other than that of most dynos, as on the platform
 * (reference: heroku-platform 1.4); the port is as random as that. Cloud Native Buildpacks give the files of an app to the image's user.
 */
function imageSurroundings({ stack }: PlaceSpec['slug'], { port }: DynoPlace): object {
  const user = stack === CNB_STACK ? {} : { User: `${String(port)}:${String(port)}` };
  return { ...user, Healthcheck: { Test: ['NONE'] } };
}

function networking({ network, address }: DynoPlace): object {
  if (address === null) return {};
  return { NetworkingConfig: { EndpointsConfig: { [network]: { IPAMConfig: { IPv4Address: address } } } } };
}

/** What all dynos have: image, user, environment, network and limits. */
function commonOptions(
  daemon: Daemon,
  spec: PlaceSpec,
  own: Readonly<Record<string, string>>,
  place: DynoPlace,
) {
  const env = {
    ...sizeVariables(spec.size, machineMemory(daemon)),
    ...own,
    ...{ PORT: String(place.port) },
    ...(spec.slug.images === null ? { HOME: '/app', [ULIMIT]: ulimitFunction(spec.size) } : {}),
  };
  return {
    Image: place.image,
    Hostname: shortHash(spec.id),
    ...(spec.slug.images === null ? SLUG_SURROUNDINGS : imageSurroundings(spec.slug, place)),
    Env: Object.entries(env).map(([name, value]) => `${name}=${value}`),
    ...networking(place),
    HostConfig: {
      Init: true,
      NetworkMode: place.network,
      CapDrop: ['ALL'],
      SecurityOpt: ['no-new-privileges'],
      ...dynoLimits(daemon, spec.size),
    },
  };
}

/**
 * Bounded, since the engine keeps the log itself; large enough that a reader misses nothing that comes in a burst, as a
 * reader that is slower than the dyno loses lines when the file is rotated. `local` and not `json-file`, which
 * changes bytes that are not UTF-8.
 */
function logConfig(daemon: Daemon): object {
  if (daemon.facts.engine === 'podman') return { Type: 'json-file', Config: { 'max-size': '16m' } };
  return { Type: 'local', Config: { 'max-size': '64m', 'max-file': '2', compress: 'false' } };
}
