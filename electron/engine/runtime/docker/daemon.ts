import type { Duplex, Readable } from 'node:stream';
import DockerModem from 'docker-modem';
import * as z from 'zod';
import { RuntimeError } from '../runtime.ts';
import { isConnectionError, reasonOf } from './errors.ts';

/** Newest API that this code was written against; nothing above it is used without asking `facts.api`. */
const WRITTEN_FOR = 1.41;
const OLDEST = 1.4;
/** API of the first Docker that builds with BuildKit unless told otherwise. */
const BUILDKIT_SINCE = 1.42;

/** What is known of the daemon since the connection was made. */
export interface DaemonFacts {
  readonly engine: 'docker' | 'podman';
  readonly version: string;
  readonly api: string;
  /** Dynos can be reached by their container's own address. */
  readonly addressable: boolean;
  /** Images can be loaded with only those layers that the daemon does not have. */
  readonly sparseLoad: boolean;
  /** Images are built by BuildKit unless somebody asks for the older builder. */
  readonly buildKit: boolean;
  /** Limits that the machine can set. */
  readonly limits: { readonly cpu: boolean; readonly memory: boolean; readonly pids: boolean };
  readonly cpus: number;
  readonly memoryBytes: number;
  readonly architecture: string;
  /** The daemon runs on this machine, behind this socket. */
  readonly address: string;
}

/** One request to the daemon. */
export interface DaemonRequest {
  readonly method: 'GET' | 'POST' | 'PUT' | 'DELETE' | 'HEAD';
  readonly path: string;
  readonly query?: Readonly<Record<string, string | number | boolean>>;
  readonly body?: unknown;
  readonly upload?: Readable | Buffer;
  /** Status codes that are fine. */
  readonly ok: readonly number[];
  readonly signal?: AbortSignal;
  /** Values of the headers with credentials: for one registry, or for those of a build. */
  readonly registryAuth?: string;
  readonly registryConfig?: string;
}

/** The daemon's HTTP interface, as far as it is needed here. Errors carry `statusCode` (see errors.ts). */
export interface Daemon {
  readonly facts: DaemonFacts;
  /** Sends a request and gives back the parsed answer. */
  json(request: DaemonRequest): Promise<unknown>;
  /** Sends a request and gives back the body as it comes. */
  stream(request: DaemonRequest): Promise<Readable>;
  /** Opens a two-way connection. */
  hijack(request: DaemonRequest): Promise<Duplex>;
}

interface DialOptions {
  path: string;
  method: string;
  options: { _query: Record<string, unknown>; _body: unknown };
  statusCodes: Record<number, boolean>;
  isStream?: boolean;
  hijack?: boolean;
  file?: Readable | Buffer;
  abortSignal?: AbortSignal;
  authconfig?: { base64: string };
  registryconfig?: { base64: string };
}

/** What is used of the client of Docker's API. */
interface Modem {
  version?: string;
  readonly host?: string;
  readonly port?: string | number;
  readonly getSocketPath?: () => Promise<string>;
  dial(options: DialOptions, done: (error: Error | null, result: unknown) => void): void;
}

const Version = z.object({
  Version: z.string(),
  ApiVersion: z.string(),
  MinAPIVersion: z.string().optional(),
  Components: z.array(z.object({ Name: z.string() })).nullish(),
});

const Info = z.object({
  NCPU: z.number().catch(1),
  MemTotal: z.number().catch(0),
  MemoryLimit: z.boolean().catch(true),
  PidsLimit: z.boolean().catch(true),
  CpuCfsQuota: z.boolean().catch(true),
  OSType: z.string().catch('linux'),
  Architecture: z.string().catch('x86_64'),
  OperatingSystem: z.string().catch(''),
  SecurityOptions: z.array(z.string()).nullish().catch(null),
  DriverStatus: z.array(z.array(z.string())).nullish().catch(null),
});

/** Where to look for the daemon: a socket, or null for DOCKER_HOST and the usual places. */
export interface DaemonAddress {
  readonly socketPath: string | null;
}

/**
 * Connects to the daemon and agrees on an API version.
 * @throws RuntimeError `unavailable` naming the socket and the next step
 */
export async function connectDaemon(address: DaemonAddress): Promise<Daemon> {
  const modem = openClient(address);
  const shown = await describeAddress(modem, address);
  const send = sender(modem);
  const version = Version.parse(
    await reach(shown, send({ method: 'GET', path: '/version', ok: [200] }, 'json')),
  );
  modem.version = `v${chooseApi(version.ApiVersion, version.MinAPIVersion, shown)}`;
  const info = Info.parse(await reach(shown, send({ method: 'GET', path: '/info', ok: [200] }, 'json')));
  if (info.OSType !== 'linux') {
    const advice = 'Switch Docker to Linux containers.';
    throw new RuntimeError('unavailable', `Docker at ${shown} runs ${info.OSType} containers. ${advice}`);
  }
  return {
    facts: factsFrom(version, info, modem.version, shown),
    json: (request) => send(request, 'json'),
    stream: async (request) => (await send(request, 'stream')) as Readable,
    hijack: async (request) => (await send(request, 'hijack')) as Duplex,
  };
}

function openClient({ socketPath }: DaemonAddress): Modem {
  try {
    return new DockerModem(socketPath === null ? undefined : { socketPath });
  } catch (error) {
    const named = `DOCKER_HOST=${process.env['DOCKER_HOST'] ?? ''}`;
    throw new RuntimeError(
      'unavailable',
      `${named} cannot be used: ${reasonOf(error)}. Correct or unset it.`,
      error,
    );
  }
}

function sender(
  modem: Modem,
): (request: DaemonRequest, mode: 'json' | 'stream' | 'hijack') => Promise<unknown> {
  return (request, mode) =>
    new Promise((resolve, reject) => {
      const options: DialOptions = {
        path: `${request.path}?`,
        method: request.method,
        options: { _query: { ...request.query }, _body: request.body ?? {} },
        statusCodes: Object.fromEntries(request.ok.map((status) => [status, true])),
      };
      if (mode !== 'json') options.isStream = true;
      if (mode === 'hijack') {
        // A body makes the client send the head at once and end the request, so that nothing of it is read as input.
        options.hijack = true;
        options.options._body = { hijack: true, ...Object(request.body ?? {}) };
      }
      if (request.upload) options.file = request.upload;
      if (request.signal) options.abortSignal = request.signal;
      if (request.registryAuth) options.authconfig = { base64: request.registryAuth };
      if (request.registryConfig) options.registryconfig = { base64: request.registryConfig };
      modem.dial(options, (error, result) => {
        if (error) reject(error);
        else resolve(result);
      });
    });
}

async function describeAddress(modem: Modem, address: DaemonAddress): Promise<string> {
  if (address.socketPath !== null) return address.socketPath;
  if (modem.host !== undefined) return `${modem.host}:${String(modem.port ?? '')}`;
  return (await modem.getSocketPath?.()) ?? 'the default socket';
}

async function reach<Result>(shown: string, call: Promise<Result>): Promise<Result> {
  try {
    return await call;
  } catch (error) {
    if (error instanceof Error && 'code' in error && error.code === 'EACCES') {
      const advice =
        'Add yourself to the group "docker" and log in again, or set DOCKER_HOST to a socket of your own.';
      throw new RuntimeError('unavailable', `You may not use Docker at ${shown}. ${advice}`, error);
    }
    const reason = isConnectionError(error)
      ? 'No Docker daemon answers'
      : `Docker does not answer well (${reasonOf(error)})`;
    const advice = 'Start Docker, or set DOCKER_HOST to where it listens, or use SLIPWAY_RUNTIME=process.';
    throw new RuntimeError('unavailable', `${reason} at ${shown}. ${advice}`, error);
  }
}

function chooseApi(newest: string, oldest: string | undefined, shown: string): string {
  if (number(newest) < OLDEST) {
    const advice = 'Update Docker to 20.10 or newer.';
    throw new RuntimeError(
      'unavailable',
      `Docker at ${shown} speaks API ${newest}, which is too old. ${advice}`,
    );
  }
  if (oldest !== undefined && number(oldest) > WRITTEN_FOR) return oldest;
  return number(newest) < WRITTEN_FOR ? newest : String(WRITTEN_FOR);
}

/** `1.41` as a number that can be compared. */
function number(text: string): number {
  const [major = '0', minor = '0'] = text.split('.');
  return Number(major) + Number(minor) / 100;
}

function factsFrom(
  version: z.infer<typeof Version>,
  info: z.infer<typeof Info>,
  api: string,
  shown: string,
): DaemonFacts {
  const podman = version.Components?.some((component) => /podman/i.test(component.Name)) ?? false;
  const rootless = info.SecurityOptions?.some((option) => option.includes('rootless')) ?? false;
  const desktop = /docker desktop/i.test(info.OperatingSystem);
  const containerd =
    info.DriverStatus?.some((pair) => pair.some((text) => text.includes('containerd'))) ?? false;
  return {
    engine: podman ? 'podman' : 'docker',
    version: version.Version,
    api,
    addressable: process.platform === 'linux' && shown.startsWith('/') && !rootless && !desktop,
    sparseLoad: !podman && !containerd,
    buildKit: !podman && number(version.ApiVersion) >= BUILDKIT_SINCE,
    limits: { cpu: info.CpuCfsQuota, memory: info.MemoryLimit, pids: info.PidsLimit },
    cpus: Math.max(1, info.NCPU),
    memoryBytes: info.MemTotal,
    architecture: info.Architecture,
    address: shown,
  };
}
