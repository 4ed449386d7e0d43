import { once } from 'node:events';
import { Readable } from 'node:stream';
import tar from 'tar-stream';
import type { BuilderImage, BuilderOrder, BuiltImage, ImageOrder } from '../image-orders.ts';
import { RuntimeError } from '../runtime.ts';
import { type BoxSettings, buildNetwork, ensureBuildNetwork } from './box-container.ts';
import { type Builder, haveBuilder, readProcesses } from './builder-image.ts';
import { builderTar, ownedBy } from './builder-tar.ts';
import { CA_ENVIRONMENT, hostCertificates } from './certificates.ts';
import {
  attachOutput,
  createContainer,
  putArchive,
  removeContainer,
  startContainer,
  waitContainer,
} from './containers.ts';
import type { Daemon } from './daemon.ts';
import { FrameReader } from './frames.ts';
import { buildImage } from './image-build.ts';
import { inspectImage, listRepository, removeImage } from './images.ts';
import { LABEL, labelFilter, labels, ownedName, STEPS, stepImages } from './names.ts';
import { buildHostLimits } from './limits.ts';
import { createVolume, listVolumes } from './networks.ts';
import { proxyVariables } from './proxies.ts';
import { NO_LOGINS } from './registry-logins.ts';

/** Exit codes of the lifecycle when no buildpacks take the app (buildpacks.io: platform specification, 20 and 100 for older ones). */
const NOT_DETECTED = [20, 21, 100];
/** And when the image could not be written. */
const EXPORT_FAILED = [60, 61, 62];
/** What the program that makes the image has to be allowed before it becomes the user of the buildpacks. */
const CAPABILITIES = ['CHOWN', 'DAC_OVERRIDE', 'FOWNER', 'KILL', 'SETGID', 'SETUID'];
/** Ends the names of images as the lifecycle made them; the next build takes unchanged layers from there. */
const EXPORTED = 'cnb';

/** What builds with Cloud Native Buildpacks work with. */
export interface BuilderTools extends Omit<BoxSettings, 'stack'> {
  /** Takes note of the build container; the disposal ends it. */
  readonly hold: (container: string) => Disposable;
}

/** Volumes with what buildpacks keep for the app's next build, and with layers of its images, by where builds see them. */
export function builderCaches(owner: string, appId: string): Readonly<Record<string, string>> {
  return {
    '/cache': ownedName(owner, `cnb-${appId}`),
    '/launch-cache': ownedName(owner, `cnb-launch-${appId}`),
  };
}

/**
 * Runs a builder's lifecycle over a source: detect, restore, build and export in one container. As root with Docker's socket, as builders
 * that are trusted are run; buildpacks themselves run as the builder's user, who cannot use the socket.
 * @throws RuntimeError `build_failed`, `stack_failed`, or what Docker threw
 */
export async function buildOnBuilder(
  tools: BuilderTools,
  order: BuilderOrder,
  signal: AbortSignal,
): Promise<BuilderImage> {
  const { daemon, owner } = tools;
  const builder = await haveBuilder(daemon, order.builder, () => undefined, signal);
  const exported = `${stepImages(owner, order.appId, order.slugId)}${EXPORTED}`;
  const before = await exportedBefore(daemon, owner, order.appId);
  const previous = (await hasLayers(daemon, owner, order.appId)) ? before[0] : undefined;
  const cache = labels(owner, 'cache', { [LABEL.app]: order.appId });
  for (const volume of Object.values(builderCaches(owner, order.appId)))
    await createVolume(daemon, volume, cache);
  try {
    await runLifecycle(tools, builder, order, [...previousArguments(previous, order), exported], signal);
  } catch (error) {
    await removeImage(daemon, exported).catch(() => undefined);
    throw error;
  }
  // The caches are those of the new image from here on.
  for (const old of before) await removeImage(daemon, old);
  const image = await labelled(tools, order, exported, signal);
  const facts = await inspectImage(daemon, image.id);
  return { ...image, processes: readProcesses(facts?.labels ?? {}) };
}

/** Images that earlier builds of the app have left for this one. */
async function exportedBefore(daemon: Daemon, owner: string, appId: string): Promise<string[]> {
  const prefix = stepImages(owner, appId);
  const tags = (await listRepository(daemon, STEPS)).flatMap((row) => row.tags);
  return tags.filter((tag) => tag.startsWith(prefix) && tag.endsWith(`-${EXPORTED}`));
}

function previousArguments(previous: string | undefined, { clearCache }: BuilderOrder): string[] {
  if (clearCache) return ['-skip-restore'];
  return previous === undefined ? [] : ['-previous-image', previous];
}

/** Whether layers of the last image are at hand; without them the lifecycle has Docker write out all of it. */
async function hasLayers(daemon: Daemon, owner: string, appId: string): Promise<boolean> {
  const volumes = await listVolumes(daemon, labelFilter(owner, 'cache', { [LABEL.app]: appId }));
  return volumes.some(({ name }) => name === builderCaches(owner, appId)['/launch-cache']);
}

async function runLifecycle(
  tools: BuilderTools,
  builder: Builder,
  order: BuilderOrder,
  words: readonly string[],
  signal: AbortSignal,
): Promise<void> {
  const { daemon, owner } = tools;
  await ensureBuildNetwork(daemon, owner);
  signal.throwIfAborted();
  const container = await createContainer(daemon, '', lifecycleOptions(tools, builder, order, words));
  using _held = tools.hold(container);
  try {
    const { pem } = await hostCertificates(process.env);
    const env = { ...CA_ENVIRONMENT, ...tools.env, ...order.config };
    await putArchive(daemon, container, '/', await builderTar(builder, pem, env));
    const { tar: source, done } = order.source();
    await Promise.all([putArchive(daemon, container, '/workspace', ownedBy(source, builder)), done]);
    const code = await follow(daemon, container, order.onOutput, signal);
    if (code !== 0) throw lifecycleFailure(order.builder, code);
  } finally {
    await removeContainer(daemon, container);
  }
}

function lifecycleOptions(
  { daemon, owner }: BuilderTools,
  { id, uid, gid, runImage, platformApi }: Builder,
  { appId }: BuilderOrder,
  words: readonly string[],
): object {
  const env = { CNB_PLATFORM_API: platformApi, ...proxyVariables() };
  return {
    Image: id,
    User: '0:0',
    Entrypoint: ['/cnb/lifecycle/creator'],
    Cmd: [
      ...['-daemon', '-no-color', '-app', '/workspace', '-layers', '/layers', '-platform', '/platform'],
      ...['-cache-dir', '/cache', '-launch-cache', '/launch-cache', '-run-image', runImage],
      ...['-uid', String(uid), '-gid', String(gid)],
      ...words,
    ],
    Env: Object.entries(env).map(([name, value]) => `${name}=${value}`),
    Labels: labels(owner, 'build', { [LABEL.app]: appId }),
    AttachStdout: true,
    AttachStderr: true,
    HostConfig: {
      Init: true,
      NetworkMode: buildNetwork(owner),
      CapDrop: ['ALL'],
      CapAdd: CAPABILITIES,
      // The socket's label is that of the machine.
      SecurityOpt: ['no-new-privileges', 'label=disable'],
      ...buildHostLimits(daemon),
      LogConfig: { Type: 'none' },
      Mounts: [
        ...Object.entries(builderCaches(owner, appId)).map(([Target, Source]) => ({
          ...{ Type: 'volume', Source, Target },
        })),
        { Type: 'bind', Source: socketOf(daemon), Target: '/var/run/docker.sock' },
      ],
    },
  };
}

/** Where the daemon's machine has its socket; a daemon in a virtual machine, or far away, has it at the usual place. */
function socketOf({ facts: { address } }: Daemon): string {
  const isOwn = process.platform === 'linux' && address.startsWith('/') && !address.includes('/.docker/');
  return isOwn ? address : '/var/run/docker.sock';
}

/** Starts a container and tells what it prints. @returns its exit code */
async function follow(
  daemon: Daemon,
  container: string,
  onOutput: (text: string) => void,
  signal: AbortSignal,
): Promise<number> {
  const stream = await attachOutput(daemon, container);
  const decoders = { stdout: new TextDecoder(), stderr: new TextDecoder() };
  const frames = new FrameReader((name, bytes) => {
    onOutput(decoders[name].decode(bytes, { stream: true }));
  });
  stream.on('data', (chunk: Buffer) => {
    frames.push(chunk);
  });
  const ended = Promise.race([once(stream, 'close'), once(stream, 'end')]).catch(() => undefined);
  try {
    signal.throwIfAborted();
    await startContainer(daemon, container);
    const code = await waitContainer(daemon, container, signal);
    await ended;
    return code;
  } finally {
    stream.destroy();
  }
}

function lifecycleFailure(builder: string, code: number): RuntimeError {
  const failed = (text: string): RuntimeError => new RuntimeError('build_failed', text);
  if (NOT_DETECTED.includes(code)) {
    const advice =
      'Add the files that they look for, or choose another builder: slipway options builder=IMAGE.';
    return failed(`No buildpacks of the builder ${builder} take this app. ${advice}`);
  }
  const text = `The build with ${builder} ended with ${String(code)}. Its output says why.`;
  if (!EXPORT_FAILED.includes(code)) return failed(text);
  return failed(`${text} When layers are missing, empty the build cache: slipway builds:cache:purge.`);
}

/** The exported image once more, with our labels: by them it is found when it is not needed any more. */
async function labelled(
  { daemon, owner }: BuilderTools,
  { appId, slugId }: BuilderOrder,
  exported: string,
  signal: AbortSignal,
): Promise<BuiltImage> {
  const order: ImageOrder = {
    ...{ appId, slugId, images: [], args: {}, clearCache: false },
    ...{ onBegin: () => undefined, onOutput: () => undefined, onWarning: () => undefined },
  };
  const context = (): Readable => {
    const files = tar.pack();
    files.entry({ name: 'Dockerfile' }, `FROM ${exported}\n`);
    files.finalize();
    return Readable.from(files);
  };
  const wish = { type: 'web', dockerfile: 'Dockerfile', target: null, bases: [], context };
  return buildImage({ daemon, owner, logins: NO_LOGINS }, order, wish, signal);
}
