import type { BuiltImage, ImageOrder, ImageWish } from '../image-orders.ts';
import { RuntimeError } from '../runtime.ts';
import { BuildTrace } from './build-trace.ts';
import type { Daemon } from './daemon.ts';
import { inspectImage, linesOf, removeImage, tagImage } from './images.ts';
import { buildLimits } from './limits.ts';
import { LABEL, labels, releaseImage, shortHash, stepImages } from './names.ts';
import { proxyVariables } from './proxies.ts';
import { loginFor, loginHeader, type RegistryLogins } from './registry-logins.ts';
import { fetchWith } from './stack-base.ts';

/** What images are built with. */
export interface ImageTools {
  readonly daemon: Daemon;
  readonly owner: string;
  /** Of the registries that images may come from. */
  readonly logins: RegistryLogins;
}

/** Microseconds of which a build may use its share of the processors (Docker Engine API: CpuPeriod). */
const CPU_PERIOD = 100_000;

/**
 * Builds one of a slug's images.
 * @throws RuntimeError `build_failed`, or what Docker threw
 */
export async function buildImage(
  { daemon, owner, logins }: ImageTools,
  order: ImageOrder,
  wish: ImageWish,
  signal: AbortSignal,
): Promise<BuiltImage> {
  const reference = releaseImage(owner, order.slugId, wish.type);
  if (daemon.facts.buildKit) await fetchBases({ daemon, owner, logins }, order, wish, signal);
  const answer = await daemon.stream({
    method: 'POST',
    path: '/build',
    query: queryOf(daemon, owner, order, wish),
    upload: wish.context(),
    ok: [200],
    signal,
    ...(logins.byAddress.size === 0
      ? {}
      : { registryConfig: loginHeader(Object.fromEntries(logins.byAddress)) }),
  });
  const trace = new BuildTrace();
  const steps = new Steps(daemon, `${stepImages(owner, order.appId, order.slugId)}${shortHash(wish.type)}-`);
  let id: string | null = null;
  for await (const line of linesOf(answer)) {
    const news = trace.read(line);
    if (news.text !== '') order.onOutput(news.text);
    await steps.note(news.text);
    if (news.error !== undefined) throw new RuntimeError('build_failed', news.error);
    id = news.image ?? id;
  }
  signal.throwIfAborted();
  const image = await inspectImage(daemon, id ?? reference);
  if (image === null)
    throw new RuntimeError('failed', `The image of ${wish.type} was removed as soon as it was built.`);
  await steps.forgetLast();
  const { entrypoint, command, bytes } = image;
  return { id: image.id, reference, bytes, entrypoint, command };
}

function queryOf(
  daemon: Daemon,
  owner: string,
  { appId, slugId, args, clearCache }: ImageOrder,
  { type, dockerfile, target }: ImageWish,
): Record<string, string | number | boolean> {
  return {
    t: releaseImage(owner, slugId, type),
    dockerfile,
    buildargs: JSON.stringify({ ...proxyVariables(), ...args }),
    labels: JSON.stringify(labels(owner, 'image', { [LABEL.app]: appId })),
    rm: true,
    forcerm: true,
    nocache: clearCache,
    ...(target === null ? {} : { target }),
    ...(daemon.facts.buildKit ? { version: 2 } : stepLimits(daemon)),
  };
}

/** Limits of the containers that the older builder runs steps in; BuildKit knows none. */
function stepLimits(daemon: Daemon): Record<string, number> {
  const { memoryBytes, cpus } = buildLimits(daemon);
  return {
    ...(memoryBytes === null ? {} : { memory: memoryBytes }),
    ...(cpus === null ? {} : { cpuperiod: CPU_PERIOD, cpuquota: cpus * CPU_PERIOD }),
  };
}

/**
 * Fetches what a build begins with from registries that there is a login for: BuildKit takes credentials only from a session with the
 * client, but images that are there already.
 */
async function fetchBases(
  { daemon, logins }: ImageTools,
  { onWarning }: ImageOrder,
  { bases }: ImageWish,
  signal: AbortSignal,
): Promise<void> {
  for (const name of bases) {
    const login = loginFor(logins, name);
    if (login === undefined || (await inspectImage(daemon, name)) !== null) continue;
    const problem = await fetchWith(daemon, name, login, signal);
    if (problem !== null)
      onWarning(`${name} could not be fetched with the login for ${login.serveraddress}: ${problem}`);
  }
}

/**
 * Gives the newest image of each stage a name: the older builder leaves untagged images of stages behind, which its cache needs, and which
 * could not be found otherwise.
 */
class Steps {
  private readonly daemon: Daemon;
  private readonly prefix: string;
  private stage = 0;
  private based = false;
  private last: string | null = null;

  constructor(daemon: Daemon, prefix: string) {
    this.daemon = daemon;
    this.prefix = prefix;
  }

  /** Takes note of a piece of the build's output. */
  async note(text: string): Promise<void> {
    if (/^Step \d+\/\d+ : FROM /i.test(text)) {
      this.stage += 1;
      this.based = false;
      this.last = null;
    }
    const id = /^ ---> ([0-9a-f]{12})\s*$/.exec(text)?.[1];
    if (id === undefined) return;
    if (this.based) {
      this.last = `${this.prefix}${String(this.stage)}`;
      await tagImage(this.daemon, id, this.last);
    }
    this.based = true;
  }

  /** The last stage has become the image, which has a name of its own. */
  async forgetLast(): Promise<void> {
    if (this.last !== null) await removeImage(this.daemon, this.last);
  }
}
