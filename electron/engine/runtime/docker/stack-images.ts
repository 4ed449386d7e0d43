import { once } from 'node:events';
import { buffer } from 'node:stream/consumers';
import tar from 'tar-stream';
import { RuntimeError } from '../runtime.ts';
import { CA_BUNDLE, CA_ENVIRONMENT, type HostCertificates, hostCertificates } from './certificates.ts';
import {
  attachContainer,
  createContainer,
  putArchive,
  removeContainer,
  startContainer,
  waitContainer,
} from './containers.ts';
import type { Daemon } from './daemon.ts';
import { asRuntimeError, explain, throwIfAborted } from './errors.ts';
import { FrameReader } from './frames.ts';
import { commitContainer, inspectImage, removeImage } from './images.ts';
import { LABEL, labels, shortHash } from './names.ts';
import { proxyVariables } from './proxies.ts';
import { debianBase } from './stack-base.ts';
import {
  BUILD_SETUP,
  buildImage,
  IMAGE_ENVIRONMENT,
  RECIPE,
  RUN_SETUP,
  runImage,
  STACK,
} from './stack-recipe.ts';

/** Ids of the two images of a stack. */
export interface StackImages {
  readonly run: string;
  readonly build: string;
}

const LOOKING = `The images of stack ${STACK} could not be looked up`;

interface Making {
  readonly daemon: Daemon;
  readonly owner: string;
  readonly report: (line: string) => void;
  readonly signal: AbortSignal;
}

/**
 * Makes sure of the images of a stack, with the machine's certificates in them. Does nothing but look when they are good.
 * @throws RuntimeError `stack_failed`, or why Docker could not do it
 */
export async function makeStack(stack: string, making: Making): Promise<StackImages> {
  if (stack !== STACK) throw new RuntimeError('stack_failed', `There is no stack "${stack}". Use ${STACK}.`);
  const certificates = await hostCertificates(process.env);
  const recipe = `${RECIPE}-${certificates.hash.slice(0, 16)}`;
  const found = await explain(LOOKING, lookFor(making.daemon, recipe));
  if (found) return found;
  const started = performance.now();
  making.report(`Making the images of stack ${STACK}`);
  try {
    const runPackages = await withPackages(making, `${STACK}:packages`, RUN_SETUP, () =>
      debianBase(making.daemon, making.report, making.signal),
    );
    const buildPackages = await withPackages(making, `${STACK}-build:packages`, BUILD_SETUP, () =>
      Promise.resolve(runPackages),
    );
    await withCertificates(making, runPackages, runImage(STACK), recipe, certificates);
    await withCertificates(making, buildPackages, buildImage(STACK), recipe, certificates);
  } catch (error) {
    throw stackError(error);
  }
  making.report(`Stack ${STACK} is ready after ${((performance.now() - started) / 1000).toFixed(1)} s`);
  const made = await explain(LOOKING, lookFor(making.daemon, recipe));
  if (!made)
    throw new RuntimeError(
      'stack_failed',
      `The images of stack ${STACK} were removed while they were made. Try again.`,
    );
  return made;
}

async function lookFor(daemon: Daemon, recipe: string): Promise<StackImages | null> {
  const [run, build] = await Promise.all([
    inspectImage(daemon, runImage(STACK)),
    inspectImage(daemon, buildImage(STACK)),
  ]);
  const good = run?.labels[LABEL.recipe] === recipe && build?.labels[LABEL.recipe] === recipe;
  return good && run && build ? { run: run.id, build: build.id } : null;
}

/** An image with the packages that `script` installs on top of `base`. @returns its id */
async function withPackages(
  making: Making,
  name: string,
  script: string,
  base: () => Promise<string>,
): Promise<string> {
  const { daemon, report, signal } = making;
  const known = await inspectImage(daemon, name);
  if (known?.labels[LABEL.recipe] === RECIPE) return known.id;
  const from = await base();
  report(`Installing packages for ${name.split(':')[0] ?? name}`);
  const container = await createContainer(daemon, temporaryName(), {
    Image: from,
    User: 'root',
    Cmd: ['bash', '-c', script],
    Env: Object.entries(proxyVariables()).map(([name, value]) => `${name}=${value}`),
    Labels: labels(making.owner, 'stack'),
    AttachStdout: true,
    AttachStderr: true,
    HostConfig: { LogConfig: { Type: 'none' } },
  });
  try {
    await runSetup(making, container);
    throwIfAborted(signal, 'Making the stack images');
    return await commit(daemon, container, name, RECIPE, []);
  } finally {
    await removeContainer(daemon, container);
    if (known) await removeImage(daemon, known.id);
  }
}

async function runSetup(making: Making, container: string): Promise<void> {
  const { daemon, report, signal } = making;
  const stream = await attachContainer(daemon, container);
  let last = '';
  let installed = 0;
  const frames = new FrameReader((_, bytes) => {
    const text = bytes.toString('utf8');
    const before = Math.floor(installed / 40);
    installed += text.match(/^Setting up /gm)?.length ?? 0;
    if (Math.floor(installed / 40) > before) report(`  ${String(installed)} packages set up`);
    last = (last + text).slice(-3000);
  });
  stream.on('data', (chunk: Buffer) => {
    frames.push(chunk);
  });
  const ended = once(stream, 'close').catch(() => undefined);
  try {
    await startContainer(daemon, container);
    const code = await waitContainer(daemon, container, signal);
    await Promise.race([ended, once(stream, 'end')]).catch(() => undefined);
    if (code !== 0)
      throw new Error(
        `installing packages ended with ${String(code)}: ${last.trim().split('\n').slice(-4).join(' / ')}`,
      );
  } finally {
    stream.destroy();
  }
}

async function withCertificates(
  making: Making,
  from: string,
  name: string,
  recipe: string,
  certificates: HostCertificates,
): Promise<void> {
  const { daemon } = making;
  const before = await inspectImage(daemon, name);
  const container = await createContainer(daemon, temporaryName(), {
    Image: from,
    Cmd: ['true'],
    Labels: labels(making.owner, 'stack'),
  });
  try {
    await putArchive(daemon, container, '/', await bundleTar(certificates.pem));
    const env = { ...IMAGE_ENVIRONMENT, ...CA_ENVIRONMENT };
    await commit(
      daemon,
      container,
      name,
      recipe,
      Object.entries(env).map(([key, value]) => `${key}=${value}`),
    );
  } finally {
    await removeContainer(daemon, container);
    if (before) await removeImage(daemon, before.id);
  }
}

async function bundleTar(pem: string): Promise<Buffer> {
  const pack = tar.pack();
  pack.entry({ name: CA_BUNDLE.slice(1), mode: 0o644, uid: 0, gid: 0, mtime: new Date(0) }, pem);
  pack.finalize();
  return buffer(pack);
}

function commit(
  daemon: Daemon,
  container: string,
  name: string,
  recipe: string,
  env: readonly string[],
): Promise<string> {
  const [repo = name, tag = 'latest'] = name.split(':');
  const config = {
    Cmd: ['bash'],
    User: env.length > 0 ? '1000:1000' : 'root',
    WorkingDir: '/app',
    ...(env.length > 0 ? { Env: env } : {}),
    // Docker adds the container's labels, and these images belong to no engine.
    Labels: { [LABEL.recipe]: recipe, [LABEL.owner]: '', [LABEL.kind]: '' },
  };
  return commitContainer(daemon, container, { repo, tag }, config);
}

function temporaryName(): string {
  return `slipway-stack-${shortHash(`${String(process.pid)} ${String(performance.now())} ${String(Math.random())}`)}`;
}

function stackError(error: unknown): RuntimeError {
  const explained = asRuntimeError(error, `The images of stack ${STACK} could not be made`);
  if (explained.code !== 'failed' && explained.code !== 'not_found') return explained;
  const advice = 'Check that containers reach a Debian mirror and run "npm run stack".';
  return new RuntimeError('stack_failed', `${explained.message.replace(/\.?$/, '.')} ${advice}`, error);
}
