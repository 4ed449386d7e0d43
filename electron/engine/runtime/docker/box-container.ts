import { RuntimeError } from '../runtime.ts';
import { BOX_AGENT } from './box-agent.ts';
import { BoxChannel } from './box-channel.ts';
import { createBridge } from './bridge.ts';
import { attachContainer, createContainer, removeContainer, startContainer } from './containers.ts';
import type { Daemon } from './daemon.ts';
import { asRuntimeError, reasonOf, statusOf } from './errors.ts';
import { buildHostLimits, ulimits } from './limits.ts';
import { LABEL, labels, ownedName, shortHash } from './names.ts';
import { createVolume, removeNetwork } from './networks.ts';
import { persist } from './removal.ts';
import { buildImage, DOWNLOADS } from './stack-recipe.ts';

/** Tries to remove the network of builds, with waits of 3 s together. */
const REMOVE_TRIES = 7;

/** What all build containers of an engine have in common. */
export interface BoxSettings {
  readonly daemon: Daemon;
  readonly owner: string;
  readonly stack: string;
  /** Registry settings, in addition to the image's environment. */
  readonly env: Readonly<Record<string, string>>;
}

/** A running build container. */
export interface BoxContainer {
  readonly id: string;
  readonly channel: BoxChannel;
}

/** Name of the volume with an app's /tmp: BUILD_DIR and CACHE_DIR are on one file system, and the cache stays. */
export const cacheVolume = (owner: string, appId: string): string => ownedName(owner, `cache-${appId}`);
const downloadsVolume = (owner: string): string => ownedName(owner, 'downloads');
/** Name of the network that builds are in. */
export const buildNetwork = (owner: string): string => ownedName(owner, 'build');

/**
 * Starts a build container for an app and connects to its agent.
 * @throws RuntimeError `stack_failed` when the image is missing
 */
export async function startBox(settings: BoxSettings, appId: string): Promise<BoxContainer> {
  try {
    return await launchBox(settings, appId).catch((error: unknown) => {
      if (!/network/i.test(reasonOf(error))) throw error;
      // Someone removed the network since the last build.
      forgetBuildNetwork(settings.daemon);
      return launchBox(settings, appId);
    });
  } catch (error) {
    if (statusOf(error) === 404 && /image/i.test(reasonOf(error))) {
      const text = `The image ${buildImage(settings.stack)} is missing. Deploy again, or run "npm run stack".`;
      throw new RuntimeError('stack_failed', text, error);
    }
    throw asRuntimeError(error, 'The build container could not be started');
  }
}

async function launchBox(settings: BoxSettings, appId: string): Promise<BoxContainer> {
  const { daemon, owner } = settings;
  await Promise.all([
    createVolume(daemon, cacheVolume(owner, appId), labels(owner, 'cache', { [LABEL.app]: appId })),
    createVolume(daemon, downloadsVolume(owner), labels(owner, 'downloads')),
    ensureBuildNetwork(daemon, owner),
  ]);
  const id = await createAnyway(settings, appId);
  try {
    const channel = new BoxChannel(await attachContainer(daemon, id));
    await startContainer(daemon, id);
    return { id, channel };
  } catch (error) {
    await removeContainer(daemon, id).catch(() => undefined);
    throw error;
  }
}

/** Ends a build container at once, with all that runs in it. Waits until it is gone. */
export async function endBox(daemon: Daemon, box: BoxContainer, why: RuntimeError): Promise<void> {
  box.channel.fail(why);
  await removeContainer(daemon, box.id);
}

/** A container of the same name is left from an engine that ended, or belongs to a build that was cancelled a moment ago. */
async function createAnyway(settings: BoxSettings, appId: string): Promise<string> {
  const name = ownedName(settings.owner, `build-${appId}`);
  const options = boxOptions(settings, appId);
  try {
    return await createContainer(settings.daemon, name, options);
  } catch (error) {
    if (statusOf(error) !== 409) throw error;
    await removeContainer(settings.daemon, name);
    const other = `${name}-${shortHash(`${String(performance.now())} ${String(Math.random())}`)}`;
    return createContainer(settings.daemon, other, options);
  }
}

function boxOptions(settings: BoxSettings, appId: string): object {
  const { daemon, owner } = settings;
  const env = { ...settings.env, SLIPWAY_DOWNLOADS: DOWNLOADS };
  return {
    Image: buildImage(settings.stack),
    Cmd: ['bash', '-c', BOX_AGENT],
    User: '1000:1000',
    WorkingDir: '/tmp',
    Env: Object.entries(env).map(([name, value]) => `${name}=${value}`),
    Labels: labels(owner, 'build', { [LABEL.app]: appId }),
    OpenStdin: true,
    StdinOnce: true,
    AttachStdin: true,
    AttachStdout: true,
    AttachStderr: true,
    HostConfig: {
      Init: true,
      AutoRemove: true,
      NetworkMode: buildNetwork(owner),
      CapDrop: ['ALL'],
      SecurityOpt: ['no-new-privileges'],
      LogConfig: { Type: 'none' },
      Mounts: [
        { Type: 'volume', Source: cacheVolume(owner, appId), Target: '/tmp' },
        { Type: 'volume', Source: downloadsVolume(owner), Target: DOWNLOADS },
      ],
      ...buildHostLimits(daemon),
      ...ulimits(daemon),
    },
  };
}

const networks = new WeakMap<Daemon, Set<string>>();

/** One network for all builds, in which they do not see each other. */
export async function ensureBuildNetwork(daemon: Daemon, owner: string): Promise<void> {
  const made = networks.get(daemon) ?? new Set();
  networks.set(daemon, made);
  if (made.has(owner)) return;
  const { problem } = await createBridge(daemon, buildNetwork(owner), labels(owner, 'build-network'));
  if (problem !== null) throw new Error(`no network for builds could be made: ${problem}`);
  made.add(owner);
}

/**
 * Removes the build network, which the next build makes again. Containers that are just being removed are waited for; with any other in it
 * the network stays.
 */
export async function removeBuildNetwork(daemon: Daemon, owner: string): Promise<void> {
  forgetBuildNetwork(daemon);
  await persist(() => removeNetwork(daemon, buildNetwork(owner)), REMOVE_TRIES);
}

/** Lets go of what is known of the build network, after it was removed. */
export function forgetBuildNetwork(daemon: Daemon): void {
  networks.delete(daemon);
}
