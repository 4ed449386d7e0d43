import { constants } from 'node:fs';
import { access } from 'node:fs/promises';
import { delimiter, join } from 'node:path';
import { RuntimeError } from '../runtime.ts';

/** Settings of the user's machine that tell tools which certificate authorities to trust. */
const CERTIFICATES = [
  'NODE_EXTRA_CA_CERTS',
  'NODE_USE_SYSTEM_CA',
  'SSL_CERT_FILE',
  'SSL_CERT_DIR',
  'CURL_CA_BUNDLE',
  'REQUESTS_CA_BUNDLE',
  'PIP_CERT',
  'GIT_SSL_CAINFO',
  'AWS_CA_BUNDLE',
];

/** Settings that tell tools how to reach the network; builds need them. */
const PROXIES = ['HTTP_PROXY', 'HTTPS_PROXY', 'NO_PROXY', 'ALL_PROXY'];

/** Where Linux systems keep the authorities that they trust, in one file. */
const SYSTEM_BUNDLES = [
  '/etc/ssl/certs/ca-certificates.crt',
  '/etc/pki/tls/certs/ca-bundle.crt',
  '/etc/ssl/ca-bundle.pem',
];

const LINUX_PATH = '/usr/local/bin:/usr/bin:/bin:/usr/local/sbin:/usr/sbin:/sbin';

/** What builds and dynos get from the machine. All else of the engine's environment stays with the engine. */
export interface HostEnv {
  /** PATH, LANG and certificate settings. */
  readonly dyno: Readonly<Record<string, string>>;
  /** The same and proxy settings. */
  readonly build: Readonly<Record<string, string>>;
  /** Absolute path of bash. */
  readonly bash: string;
}

/**
 * Reads what builds and dynos may know of the machine.
 * @throws RuntimeError `unavailable` when a tool that is needed is missing
 */
export async function readHostEnv(environment: NodeJS.ProcessEnv): Promise<HostEnv> {
  const mac = process.platform === 'darwin';
  const bash = await findTool('bash', environment);
  for (const tool of ['tar', 'find', 'cp', 'rm', 'xargs']) await findTool(tool, environment);
  const dyno: Record<string, string> = {
    PATH: mac ? `${LINUX_PATH}:/opt/homebrew/bin` : LINUX_PATH,
    LANG: mac ? 'en_US.UTF-8' : 'C.UTF-8',
    ...pick(environment, CERTIFICATES),
  };
  if (dyno.NODE_EXTRA_CA_CERTS === undefined && dyno.NODE_USE_SYSTEM_CA === undefined) {
    const bundle = await firstReadable(SYSTEM_BUNDLES);
    if (bundle !== null) dyno.NODE_EXTRA_CA_CERTS = bundle;
  }
  const proxies = [...PROXIES, ...PROXIES.map((name) => name.toLowerCase())];
  return { dyno, build: { ...dyno, ...pick(environment, proxies) }, bash };
}

function pick(environment: NodeJS.ProcessEnv, names: readonly string[]): Record<string, string> {
  const found: Record<string, string> = {};
  for (const name of names) {
    const value = environment[name];
    if (value !== undefined && value !== '') found[name] = value;
  }
  return found;
}

async function findTool(name: string, environment: NodeJS.ProcessEnv): Promise<string> {
  const folders = ['/bin', '/usr/bin', ...(environment.PATH ?? '').split(delimiter)].filter((folder) =>
    folder.startsWith('/'),
  );
  const found = await firstReadable(
    folders.map((folder) => join(folder, name)),
    constants.X_OK,
  );
  if (found !== null) return found;
  throw new RuntimeError(
    'unavailable',
    `Running dynos as plain processes needs the command "${name}": install it.`,
  );
}

async function firstReadable(paths: readonly string[], mode = constants.R_OK): Promise<string | null> {
  for (const path of paths) {
    const usable = await access(path, mode).then(
      () => true,
      () => false,
    );
    if (usable) return path;
  }
  return null;
}
