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
import { debianBase, fetchImage } from './stack-base.ts';
import {
  BUILD_SETUP,
  buildImage,
  buildPackages,
  FETCHED_SETUP,
  FETCHED_STACKS,
  fetchedRecipe,
  imageEnvironment,
  RECIPE,
  RUN_SETUP,
  runImage,
  runPackages,
  STACK,
} from './stack-recipe.ts';

/** Ids of the two images of a stack. */
export interface StackImages {
  readonly run: string;
  readonly build: string;
}

interface Making {
  readonly daemon: Daemon;
  readonly owner: string;
  readonly report: (line: string) => void;
  readonly signal: AbortSignal;
}

/** What the images of a stack are made of. */
interface StackPlan {
  /** Names what they are made of, before certificates. */
  readonly recipe: string;
  readonly runSetup: string;
  readonly buildSetup: string;
  /** Makes sure of the image that the run image is made from. @returns its name or id */
  runBase(): Promise<string>;
  /** The same for the build image. @param run what the run image is made to */
  buildBase(run: string): Promise<string>;
}

/**
 * Makes sure of the images of a stack, with the machine's certificates in them. Does nothing but look when they are good.
 * @throws RuntimeError `stack_failed`, or why Docker could not do it
 */
export async function makeStack(stack: string, making: Making): Promise<StackImages> {
  const { daemon, report } = making;
  const certificates = await hostCertificates(process.env);
  const mark = certificates.hash.slice(0, 16);
  const plan = await explain(looking(stack), planOf(stack, making));
  // Without what they were fetched as, images that are there are good enough.
  const isGood = (recipe: string): boolean =>
    plan === null ? recipe.endsWith(`-${mark}`) : recipe === `${plan.recipe}-${mark}`;
  const found = await explain(looking(stack), lookFor(daemon, stack, isGood));
  if (found) return found;
  const started = performance.now();
  report(`Making the images of stack ${stack}`);
  try {
    await makeImages(stack, plan ?? (await fetchedPlan(stack, making)), making, certificates);
  } catch (error) {
    throw stackError(stack, error);
  }
  report(`Stack ${stack} is ready after ${((performance.now() - started) / 1000).toFixed(1)} s`);
  const made = await explain(
    looking(stack),
    lookFor(daemon, stack, (recipe) => recipe.endsWith(`-${mark}`)),
  );
  if (!made)
    throw new RuntimeError(
      'stack_failed',
      `The images of stack ${stack} were removed while they were made. Try again.`,
    );
  return made;
}

async function makeImages(
  stack: string,
  plan: StackPlan,
  making: Making,
  certificates: HostCertificates,
): Promise<void> {
  const recipe = `${plan.recipe}-${certificates.hash.slice(0, 16)}`;
  const run = await withPackages(making, runPackages(stack), plan.recipe, plan.runSetup, () =>
    plan.runBase(),
  );
  const build = await withPackages(making, buildPackages(stack), plan.recipe, plan.buildSetup, () =>
    plan.buildBase(run),
  );
  const env = imageEnvironment(stack);
  await withCertificates(making, run, runImage(stack), { recipe, env }, certificates);
  await withCertificates(making, build, buildImage(stack), { recipe, env }, certificates);
}

/** @returns null for a stack that would have to be fetched first @throws RuntimeError `stack_failed` for what is none */
async function planOf(stack: string, making: Making): Promise<StackPlan | null> {
  if (stack === STACK) {
    return {
      ...{ recipe: RECIPE, runSetup: RUN_SETUP, buildSetup: BUILD_SETUP },
      runBase: () => debianBase(making.daemon, making.report, making.signal),
      buildBase: (run) => Promise.resolve(run),
    };
  }
  const names = FETCHED_STACKS[stack];
  if (names === undefined) {
    const known = [STACK, ...Object.keys(FETCHED_STACKS)].join(', ');
    throw new RuntimeError('stack_failed', `There is no stack "${stack}". Stacks are ${known}.`);
  }
  const [run, build] = await Promise.all([
    inspectImage(making.daemon, names.run),
    inspectImage(making.daemon, names.build),
  ]);
  return run === null || build === null ? null : planFrom(stack, run.id, build.id);
}

function planFrom(stack: string, run: string, build: string): StackPlan {
  return {
    recipe: fetchedRecipe(stack, [run, build]),
    ...{ runSetup: FETCHED_SETUP, buildSetup: FETCHED_SETUP },
    runBase: () => Promise.resolve(run),
    buildBase: () => Promise.resolve(build),
  };
}

/** Fetches the images of a stack. @throws RuntimeError `stack_failed` naming the image and the next step */
async function fetchedPlan(stack: string, { daemon, report, signal }: Making): Promise<StackPlan> {
  const names = FETCHED_STACKS[stack];
  if (names === undefined) throw new Error(`stack ${stack} is not fetched`);
  for (const name of [names.run, names.build]) {
    if ((await inspectImage(daemon, name)) !== null) continue;
    report(`Fetching ${name}`);
    const problem = await fetchImage(daemon, name, report, signal);
    if (problem === null) continue;
    const advice = `Try "docker pull ${name}" and deploy again, or choose another stack: slipway stack:set ${STACK}.`;
    throw new RuntimeError(
      'stack_failed',
      `Stack ${stack} needs the image ${name}, which could not be fetched: ${problem.replace(/\.$/, '')}. ${advice}`,
    );
  }
  const plan = await planOf(stack, { daemon, report, signal, owner: '' });
  if (plan === null)
    throw new RuntimeError('stack_failed', `The images of stack ${stack} went as they came. Deploy again.`);
  return plan;
}

const looking = (stack: string): string => `The images of stack ${stack} could not be looked up`;

async function lookFor(
  daemon: Daemon,
  stack: string,
  isGood: (recipe: string) => boolean,
): Promise<StackImages | null> {
  const [run, build] = await Promise.all([
    inspectImage(daemon, runImage(stack)),
    inspectImage(daemon, buildImage(stack)),
  ]);
  const good = [run, build].every((image) => isGood(image?.labels[LABEL.recipe] ?? ''));
  return good && run && build ? { run: run.id, build: build.id } : null;
}

/** An image with the packages that `script` installs on top of `base`. @returns its id */
async function withPackages(
  making: Making,
  name: string,
  recipe: string,
  script: string,
  base: () => Promise<string>,
): Promise<string> {
  const { daemon, report, signal } = making;
  const known = await inspectImage(daemon, name);
  if (known?.labels[LABEL.recipe] === recipe) return known.id;
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
    return await commit(daemon, container, name, recipe, []);
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
  { recipe, env }: { readonly recipe: string; readonly env: Readonly<Record<string, string>> },
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
    await commit(
      daemon,
      container,
      name,
      recipe,
      Object.entries({ ...env, ...CA_ENVIRONMENT }).map(([key, value]) => `${key}=${value}`),
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

function stackError(stack: string, error: unknown): RuntimeError {
  const explained = asRuntimeError(error, `The images of stack ${stack} could not be made`);
  if (explained.code !== 'failed' && explained.code !== 'not_found') return explained;
  const advice = 'Check that containers reach a mirror of its packages, and deploy again.';
  return new RuntimeError('stack_failed', `${explained.message.replace(/\.?$/, '.')} ${advice}`, error);
}
