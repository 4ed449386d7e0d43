import { execFile } from 'node:child_process';
import { readFile } from 'node:fs/promises';
import { homedir } from 'node:os';
import { join } from 'node:path';
import { promisify } from 'node:util';
import * as z from 'zod';

/** Longest time that a program with credentials may take, in milliseconds: it may ask a keychain, but no person. */
const HELPER_MS = 10_000;
/** Where such programs are on machines whose desktop gives apps a short PATH. */
const MORE_FOLDERS = ':/usr/local/bin:/opt/homebrew/bin';
/** What Docker's own registry is called in settings (Docker CLI: config file). */
const HUB = 'index.docker.io';
/** What a program with credentials calls itself when its secret is a token (docker-credential-helpers). */
const TOKEN_USER = '<token>';

const text = z.string().nullish();
const HelperName = z.string().regex(/^[\w.-]+$/, 'it has to be the end of a program’s name');
const Config = z.object({
  auths: z
    .record(z.string(), z.object({ auth: text, username: text, password: text, identitytoken: text }))
    .nullish(),
  credsStore: z.union([HelperName, z.literal('')]).nullish(),
  credHelpers: z.record(z.string(), HelperName).nullish(),
});
type Config = z.infer<typeof Config>;

const Listed = z.record(z.string(), z.string());
const Stored = z.object({ Username: z.string(), Secret: z.string() });

/** What a registry is told of who asks, as Docker's API wants it (Docker Engine API: AuthConfig). */
export interface RegistryLogin {
  readonly username?: string;
  readonly password?: string;
  readonly identitytoken?: string;
  readonly serveraddress: string;
}

/** The logins of this machine, by the address that Docker's settings have for each registry. */
export interface RegistryLogins {
  readonly byAddress: ReadonlyMap<string, RegistryLogin>;
  /** Plain sentences: what of Docker's settings cannot be used. */
  readonly problems: readonly string[];
}

/** No logins at all. */
export const NO_LOGINS: RegistryLogins = { byAddress: new Map(), problems: [] };

/**
 * Reads what `docker login` has written down: `config.json` in the folder that DOCKER_CONFIG names, else in `~/.docker`, and what the
 * programs `docker-credential-*` that it names know. Never throws: what cannot be read is a problem, and the rest counts.
 * @param env the engine's environment
 * @param home folder of the user
 */
export async function readLogins(
  env: Readonly<Record<string, string | undefined>> = process.env,
  home: string = homedir(),
): Promise<RegistryLogins> {
  const named = env['DOCKER_CONFIG'] ?? '';
  const file = join(named === '' ? join(home, '.docker') : named, 'config.json');
  let content: string;
  try {
    content = await readFile(file, 'utf8');
  } catch (error) {
    return isMissing(error) ? NO_LOGINS : broken(file, reason(error));
  }
  const parsed = parseConfig(content);
  return typeof parsed === 'string' ? broken(file, parsed) : new Reader(parsed, file, env).read();
}

/** The login for the registry of an image, or undefined when there is none. */
export function loginFor({ byAddress }: RegistryLogins, image: string): RegistryLogin | undefined {
  const registry = registryOf(image);
  for (const [address, login] of byAddress) if (hostOf(address) === registry) return login;
  return undefined;
}

/** Value of a header with credentials, as Docker's API wants it. */
export function loginHeader(value: unknown): string {
  return Buffer.from(JSON.stringify(value)).toString('base64').replaceAll('+', '-').replaceAll('/', '_');
}

class Reader {
  private readonly config: Config;
  private readonly file: string;
  private readonly env: Readonly<Record<string, string | undefined>>;
  private readonly found = new Map<string, RegistryLogin>();
  private readonly problems: string[] = [];

  constructor(config: Config, file: string, env: Readonly<Record<string, string | undefined>>) {
    this.config = config;
    this.file = file;
    this.env = env;
  }

  /** As Docker's command does: what the file itself has, over that the store for all, over that the one of each registry. */
  async read(): Promise<RegistryLogins> {
    const { auths, credsStore, credHelpers } = this.config;
    for (const [address, entry] of Object.entries(auths ?? {})) this.fromFile(address, entry);
    const store = credsStore ?? '';
    if (store !== '') await this.fromStore(store);
    for (const [address, helper] of Object.entries(credHelpers ?? {})) await this.fromHelper(helper, address);
    return { byAddress: this.found, problems: this.problems };
  }

  private fromFile(address: string, entry: NonNullable<Config['auths']>[string]): void {
    const words = entry.auth ? Buffer.from(entry.auth, 'base64').toString('utf8') : '';
    const [, user = entry.username ?? '', secret = entry.password ?? ''] =
      /^([^:]+):([^]*)$/.exec(words) ?? [];
    if (words !== '' && !words.includes(':'))
      this.problems.push(
        `The login for ${address} in ${this.file} cannot be read, so it is not used. Run: docker login ${address}`,
      );
    else if (entry.identitytoken) this.add(address, TOKEN_USER, entry.identitytoken);
    else if (user !== '') this.add(address, user, secret.replace(/\0+$/, ''));
  }

  private async fromStore(helper: string): Promise<void> {
    const listed = Listed.safeParse(await this.ask(helper, 'list', ''));
    for (const address of Object.keys(listed.data ?? {})) await this.fromHelper(helper, address);
  }

  private async fromHelper(helper: string, address: string): Promise<void> {
    const stored = Stored.safeParse(await this.ask(helper, 'get', address));
    if (stored.success) this.add(address, stored.data.Username, stored.data.Secret);
  }

  private add(serveraddress: string, user: string, secret: string): void {
    const login = user === TOKEN_USER ? { identitytoken: secret } : { username: user, password: secret };
    this.found.set(serveraddress, { ...login, serveraddress });
  }

  /** What a program answers; undefined when it knows nothing. That it cannot be run is a problem, once for each. */
  private async ask(helper: string, verb: 'list' | 'get', input: string): Promise<unknown> {
    const program = `docker-credential-${helper}`;
    try {
      const PATH = `${this.env['PATH'] ?? ''}${MORE_FOLDERS}`;
      const running = promisify(execFile)(program, [verb], {
        ...{ env: { ...this.env, PATH }, timeout: HELPER_MS, maxBuffer: 2 ** 20 },
      });
      running.child.stdin?.on('error', () => undefined).end(input);
      return parseAnswer((await running).stdout);
    } catch (error) {
      if (verb === 'get' && /credentials not found/.test(saidBy(error))) return undefined;
      const problem = isMissing(error)
        ? `${this.file} names ${program} for credentials, which is not on PATH`
        : `${program}, which ${this.file} names for credentials, does not answer: ${saidBy(error) || reason(error)}`;
      const whole = `${problem.replace(/\.$/, '')}. Images of private registries may not be had; mend it, or pull them by hand.`;
      if (!this.problems.includes(whole)) this.problems.push(whole);
      return undefined;
    }
  }
}

/** @returns the settings, or why they cannot be used */
function parseConfig(content: string): Config | string {
  let data: unknown;
  try {
    data = JSON.parse(content);
  } catch (error) {
    // No more of the message than where: it cites the text, and a secret may be near.
    return `it is no valid JSON ${/\(line \d+ column \d+\)/.exec(reason(error))?.[0] ?? ''}`.trimEnd();
  }
  const parsed = Config.safeParse(data);
  if (parsed.success) return parsed.data;
  const [issue] = parsed.error.issues;
  return `${issue?.path.join('.') ?? ''}: ${issue?.message ?? ''}`.replace(/^: /, '');
}

/** A text that is no JSON counts as no answer; it may hold a secret, so nobody is told of it. */
function parseAnswer(stdout: string): unknown {
  try {
    return JSON.parse(stdout) as unknown;
  } catch {
    return undefined;
  }
}

function broken(file: string, why: string): RegistryLogins {
  const advice = 'Images of private registries are fetched without credentials. Mend or remove the file.';
  return { ...NO_LOGINS, problems: [`${file} cannot be used: ${why.replace(/\.$/, '')}. ${advice}`] };
}

/** The registry of an image: what is before its first slash, when that looks like a host (Docker CLI: image references). */
function registryOf(image: string): string {
  const [first = '', ...rest] = image.split('/');
  const isHost = rest.length > 0 && (/[.:]/.test(first) || first === 'localhost');
  return isHost ? hostOf(first) : HUB;
}

/** Host and port of an address such as `https://index.docker.io/v1/`. */
function hostOf(address: string): string {
  const host = address.replace(/^https?:\/\//, '').replace(/\/.*$/, '');
  return ['docker.io', 'registry-1.docker.io'].includes(host) ? HUB : host;
}

function isMissing(error: unknown): boolean {
  return error instanceof Error && 'code' in error && error.code === 'ENOENT';
}

/** First line that a program has printed before it failed. */
function saidBy(error: unknown): string {
  if (!(error instanceof Error) || !('stdout' in error) || !('stderr' in error)) return '';
  const said = `${String(error.stdout)}\n${String(error.stderr)}`.trim();
  return said.split('\n')[0] ?? '';
}

function reason(error: unknown): string {
  return error instanceof Error ? error.message : String(error);
}
