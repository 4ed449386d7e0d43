import { execFile } from 'node:child_process';
import { join } from 'node:path';
import { promisify } from 'node:util';
import { ownedName } from '#engine/runtime/docker/names.ts';
import { registrySettings } from '#engine/runtime/registries.ts';
import { deploy, type Host, startHost } from '../../test/e2e/support/host.ts';
import { docker } from '../lib/docker-peer.ts';
import { APPS, BASE, type BenchFolder } from './apps.ts';

const BUILD_IMAGE = 'slipway-13-build';
const BUILDPACKS = join(import.meta.dirname, '..', '..', 'buildpacks');
/** Volumes of the builds in fresh containers: a cache for each first build, and downloads as ours has them. */
const CACHE = 'slipway-bench-build-cache-';
const DOWNLOADS = 'slipway-bench-build-downloads';
/** Container that the peers' base image is made of. */
const BASE_MAKER = 'slipway-bench-build-base-maker';
/** Where builds find the downloads. */
const DOWNLOADS_AT = '/var/cache/slipway';
/** What package managers keep there; what is left are runtimes and tools. */
const KEPT_PACKAGES = ['npm', 'cache', 'data', 'python/pip', 'python/uv', 'go/modules', 'go/build'];

/** Somebody who makes what can be run out of a folder. */
export interface Builder {
  readonly name: string;
  /**
   * Makes the next build a first one, with no packages; runtimes stay. What earlier builds made stays too, as the images of `docker build`
   * do: ext4 looks for a free inode the slower the more were freed in the last minutes, and that is not the builder's time.
   */
  clean(app: BenchFolder): Promise<void>;
  /** Builds the folder as it is. @returns seconds to the release, or to the image */
  build(app: BenchFolder): Promise<number>;
}

/** All contestants, ours first; `close` removes what they made. */
export interface Field {
  readonly builders: readonly Builder[];
  close(): Promise<void>;
}

/** Prepares the contestants. The same runtimes are there for all of them: a first deploy of each app brings them. */
export async function openField(folders: readonly BenchFolder[]): Promise<Field> {
  const host = await startHost({ SLIPWAY_RUNTIME: 'docker' });
  try {
    const downloads = ownedName(host.ownerId, 'downloads');
    await firstDeploys(host, folders);
    await forgetPackages(downloads);
    await makeBase(downloads);
    const builders = [slipway(host, downloads), dockerBuild(), freshContainers()];
    return { builders, close: () => removeAll(host) };
  } catch (error) {
    await removeAll(host);
    throw error;
  }
}

/** These apps stay: with the last one that was built an engine's downloads go. */
async function firstDeploys(host: Host, folders: readonly BenchFolder[]): Promise<void> {
  for (const { fixture, path } of folders) {
    const app = `${fixture}-first`;
    await host.client.call('apps.create', { name: app });
    const { failure } = await deploy(host, app, path);
    if (failure !== null) throw new Error(`${fixture} cannot be built: ${failure.message}`);
    await host.client.call('formation.update', { app, updates: [{ type: 'web', quantity: 0 }] });
  }
}

async function removeAll(host: Host): Promise<void> {
  for (const { name } of (await host.client.call('apps.list', {})).apps)
    await host.client.call('apps.destroy', { app: name, confirm: name });
  await host.stop();
  await docker('rm', '--force', BASE_MAKER);
  for (const { fixture } of APPS) await docker('rmi', '--force', image(fixture), `${image(fixture)}-slug`);
  await docker('rmi', '--force', BASE);
  const volumes = await docker('volume', 'ls', '--quiet', '--filter', `name=${CACHE}`);
  await docker('volume', 'rm', '--force', ...volumes.split('\n').filter(Boolean), DOWNLOADS);
}

const image = (fixture: string): string => `slipway-bench-build-${fixture}`;

/** Runs a script in a container of the build image that is removed afterwards. */
async function inContainer(script: string, ...options: string[]): Promise<void> {
  await docker('run', '--rm', '--user', '0', ...options, BUILD_IMAGE, 'bash', '-ec', script);
}

async function forgetPackages(volume: string): Promise<void> {
  const paths = KEPT_PACKAGES.map((path) => `/downloads/${path}`).join(' ');
  // Modules of Go are write-protected for their owner.
  await inContainer(`rm -rf ${paths}`, '--volume', `${volume}:/downloads`);
}

/** The peers' base image and downloads, of what our buildpacks have fetched. */
async function makeBase(downloads: string): Promise<void> {
  const script = `
    cp -a /downloads/. /copy/
    if [ -d /downloads/node ]; then
      cp -a /downloads/node/node-*-24.*/bin/node /usr/local/bin/
      mkdir -p /usr/local/lib/node_modules && cp -a /downloads/packages/npm-*/ /usr/local/lib/node_modules/npm
      for name in npm npx; do ln -s ../lib/node_modules/npm/bin/$name-cli.js /usr/local/bin/$name; done
      chmod 755 /usr/local/lib/node_modules/npm/bin/*.js
    fi
    if [ -d /downloads/python ]; then cp -a /downloads/python/cpython/3.13.5 /usr/local/python; fi
    if [ -d /downloads/go ]; then cp -a /downloads/go/toolchains/1.25.3 /usr/local/go; fi`;
  await docker('volume', 'create', DOWNLOADS);
  await docker(
    ...['run', '--name', BASE_MAKER, '--user', '0', '--volume', `${downloads}:/downloads:ro`],
    ...['--volume', `${DOWNLOADS}:/copy`, BUILD_IMAGE, 'bash', '-ec', script],
  );
  const path = '/usr/local/python/bin:/usr/local/go/bin:/root/go/bin:/usr/local/bin:/usr/bin:/bin';
  const env = { ...registrySettings(), PATH: path, HOME: '/root', LD_LIBRARY_PATH: '/usr/local/python/lib' };
  const changes = Object.entries(env).flatMap(([name, value]) => [
    '--change',
    `ENV ${name}=${JSON.stringify(value)}`,
  ]);
  await docker('commit', '--change', 'USER 0', ...changes, BASE_MAKER, BASE);
  await docker('rm', BASE_MAKER);
}

function slipway(host: Host, downloads: string): Builder {
  let app = '';
  let apps = 0;
  return {
    name: 'slipway',
    async clean({ fixture }) {
      if (app !== '')
        await host.client.call('formation.update', { app, updates: [{ type: 'web', quantity: 0 }] });
      await forgetPackages(downloads);
      app = `${fixture}-${(apps += 1)}`;
      await host.client.call('apps.create', { name: app });
    },
    async build({ path }) {
      const started = performance.now();
      const { id } = await host.client.call('builds.start', { app, source: { kind: 'folder', path } });
      let output = '';
      let seconds = 0;
      for await (const items of host.client.open('builds.output', { app, build: id })) {
        for (const { text } of items) output += text;
        if (seconds === 0 && output.includes('Released v')) seconds = since(started);
      }
      if (seconds === 0) throw new Error(`${app} was not released: ${output}`);
      return seconds;
    },
  };
}

function dockerBuild(): Builder {
  let fresh: readonly string[] = [];
  return {
    name: 'docker build',
    clean() {
      fresh = ['--no-cache'];
      return Promise.resolve();
    },
    async build({ fixture, path }) {
      const started = performance.now();
      await docker('build', '--quiet', ...fresh, '--tag', image(fixture), path);
      fresh = [];
      return since(started);
    },
  };
}

/**
 * As herokuish builds: the source goes into a fresh container with the app's cache, the buildpack's scripts run there, and the
 * container becomes an image. Buildpacks are ours; what a build leaves for the next is copied from and to the cache.
 */
function freshContainers(): Builder {
  let cache = '';
  let caches = 0;
  return {
    name: 'buildpack in a fresh container',
    async clean() {
      cache = `${CACHE}${(caches += 1)}`;
      await docker('volume', 'create', cache);
      await forgetPackages(DOWNLOADS);
      const paths = ['--volume', `${cache}:/tmp/cache`, '--volume', `${DOWNLOADS}:/downloads`];
      await inContainer('chown -R 1000:1000 /tmp/cache /downloads', ...paths);
    },
    async build({ buildpack, fixture, path }) {
      const container = `${image(fixture)}-box`;
      const pack = `/tmp/buildpacks/${buildpack}`;
      const script = `mkdir -p /tmp/env /tmp/build && tar -xf - -C /tmp/build
        if [ -d /tmp/cache/last ]; then cp -a /tmp/cache/last /tmp/last; fi
        cd /tmp/build
        ${pack}/bin/detect /tmp/build
        SLIPWAY_LAST_BUILD=/tmp/last ${pack}/bin/compile /tmp/build /tmp/cache /tmp/env
        ${pack}/bin/release /tmp/build
        rm -rf /tmp/cache/last /tmp/last
        cp -a /tmp/build /tmp/cache/last
        cp -a /tmp/build/. /app/`;
      const env = { ...registrySettings(), SLIPWAY_DOWNLOADS: DOWNLOADS_AT };
      const options = [
        ...['--interactive', '--name', container, '--user', '1000:1000'],
        ...['--volume', `${cache}:/tmp/cache`, '--volume', `${DOWNLOADS}:${DOWNLOADS_AT}`],
        ...['--volume', `${BUILDPACKS}:/tmp/buildpacks:ro`],
        ...Object.entries(env).flatMap(([name, value]) => ['--env', `${name}=${value}`]),
      ];
      const started = performance.now();
      await docker('create', ...options, BUILD_IMAGE, 'bash', '-ec', script);
      await pipeFolder(path, container);
      await docker('commit', container, `${image(fixture)}-slug`);
      const seconds = since(started);
      await docker('rm', container);
      return seconds;
    },
  };
}

/** Starts a container with the folder as an archive on its standard input, and waits for its end. @throws when it fails */
async function pipeFolder(path: string, container: string): Promise<void> {
  // What it says is in the error's message, as far as it is on standard error.
  const script = 'set -o pipefail; tar -C "$1" -c . | docker start --attach --interactive "$2" >&2';
  const maxBuffer = 64 * 1024 * 1024;
  await promisify(execFile)('bash', ['-c', script, 'bash', path, container], { maxBuffer });
}

const since = (started: number): number => (performance.now() - started) / 1000;
