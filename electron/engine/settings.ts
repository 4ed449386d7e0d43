import { homedir } from 'node:os';
import { join, resolve } from 'node:path';
import * as z from 'zod';
import { SlipwayError } from '#shared/errors.ts';
import { RestartPolicyName } from '#shared/model/options.ts';

/** What a user can set before the engine starts; each comes from one environment variable. */
export interface Settings {
  /** SLIPWAY_HOME: data folder, absolute. */
  readonly home: string;
  /** SLIPWAY_API_PORT: port of UI, contract, Platform API and git; 0 takes any free one. */
  readonly apiPort: number;
  /** SLIPWAY_ROUTER_PORT: port of the router; 0 takes any free one. */
  readonly routerPort: number;
  /** SLIPWAY_ROUTER_TLS_PORT: port of the router for HTTPS, once that is switched on; 0 takes any free one. */
  readonly routerTlsPort: number;
  /** SLIPWAY_ROUTER_THREADS: how many threads take requests; more than one on Linux only. */
  readonly routerThreads: number;
  /** SLIPWAY_RUNTIME: where dynos run; `auto` takes Docker when it answers. */
  readonly runtime: 'auto' | 'docker' | 'process';
  /** SLIPWAY_RESTART, or null: holds the option `restartPolicy` for this start. */
  readonly restart: RestartPolicyName | null;
  /** SLIPWAY_API_KEY, or null: then a key is made once and kept in the data folder. */
  readonly apiKey: string | null;
  /** SLIPWAY_BUILDPACK_REGISTRY: address below which the registry of buildpacks has `NAMESPACE/NAME.tgz`. */
  readonly buildpackRegistry: string;
}

export const DEFAULT_API_PORT = 7081;
export const DEFAULT_ROUTER_PORT = 7080;
/** Where the platform keeps the buildpacks that have a name. */
const BUILDPACK_REGISTRY = 'https://buildpack-registry.s3.amazonaws.com/buildpacks';
export const DEFAULT_ROUTER_TLS_PORT = 7443;

const Port = (name: string): z.ZodType<number> =>
  z
    .string()
    .regex(/^\d{1,5}$/, `${name} has to be a port number from 0 to 65535`)
    .transform(Number)
    .refine((port) => port <= 65_535, `${name} has to be a port number from 0 to 65535`);

const Environment = z.object({
  SLIPWAY_HOME: z.string().min(1).optional(),
  SLIPWAY_API_PORT: Port('SLIPWAY_API_PORT').optional(),
  SLIPWAY_ROUTER_PORT: Port('SLIPWAY_ROUTER_PORT').optional(),
  SLIPWAY_ROUTER_TLS_PORT: Port('SLIPWAY_ROUTER_TLS_PORT').optional(),
  SLIPWAY_ROUTER_THREADS: z
    .string()
    .regex(/^([1-9]|1[0-6])$/, 'SLIPWAY_ROUTER_THREADS has to be a number from 1 to 16')
    .transform(Number)
    .optional(),
  SLIPWAY_RUNTIME: z
    .enum(['auto', 'docker', 'process'], 'SLIPWAY_RUNTIME has to be auto, docker or process')
    .optional(),
  SLIPWAY_RESTART: z
    .enum(
      RestartPolicyName.options,
      'SLIPWAY_RESTART has to be short (crashed dynos wait seconds) or heroku (minutes to hours, as on the platform)',
    )
    .optional(),
  SLIPWAY_API_KEY: z
    .string()
    .regex(/^[\x21-\x7e]{16,200}$/, 'SLIPWAY_API_KEY has to be 16 to 200 printable characters without spaces')
    .optional(),
  SLIPWAY_BUILDPACK_REGISTRY: z
    .url({ protocol: /^https?$/, error: 'SLIPWAY_BUILDPACK_REGISTRY has to be an http or https address' })
    .transform((url) => url.replace(/\/$/, ''))
    .optional(),
});

/**
 * Reads the settings.
 * @param env environment variables; an empty value counts as not set
 * @throws SlipwayError `invalid_params` naming the variable
 */
export function readSettings(env: Readonly<Record<string, string | undefined>>): Settings {
  const given = Object.fromEntries(
    Object.entries(env).filter(([, value]) => value !== undefined && value !== ''),
  );
  const parsed = Environment.safeParse(given);
  if (!parsed.success) {
    throw new SlipwayError('invalid_params', parsed.error.issues.map((issue) => issue.message).join('; '));
  }
  const values = parsed.data;
  return {
    home: resolve(values.SLIPWAY_HOME ?? defaultHome(given)),
    apiPort: values.SLIPWAY_API_PORT ?? DEFAULT_API_PORT,
    routerPort: values.SLIPWAY_ROUTER_PORT ?? DEFAULT_ROUTER_PORT,
    routerTlsPort: values.SLIPWAY_ROUTER_TLS_PORT ?? DEFAULT_ROUTER_TLS_PORT,
    routerThreads: values.SLIPWAY_ROUTER_THREADS ?? 1,
    runtime: values.SLIPWAY_RUNTIME ?? 'auto',
    restart: values.SLIPWAY_RESTART ?? null,
    apiKey: values.SLIPWAY_API_KEY ?? null,
    buildpackRegistry: values.SLIPWAY_BUILDPACK_REGISTRY ?? BUILDPACK_REGISTRY,
  };
}

function defaultHome(env: Readonly<Record<string, string | undefined>>): string {
  if (process.platform === 'darwin') return join(homedir(), 'Library', 'Application Support', 'Slipway');
  if (process.platform === 'win32') return join(env['LOCALAPPDATA'] ?? homedir(), 'Slipway');
  return join(env['XDG_DATA_HOME'] ?? join(homedir(), '.local', 'share'), 'slipway');
}
