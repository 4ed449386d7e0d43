import { execFile } from 'node:child_process';
import { copyFile, cp, mkdtemp, rm, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { setTimeout as sleep } from 'node:timers/promises';
import { promisify } from 'node:util';

const run = promisify(execFile);

/** The same Express app, the way a Dockerfile author would run it: packages in a cached layer, the source in the last one. */
export interface DockerPeer {
  readonly folder: string;
  /** `docker build`; with an unchanged lock file all but the last layer is cached. */
  build(): Promise<void>;
  docker(...args: string[]): Promise<string>;
  /** `docker run`, until the app's answer is the wanted one. @returns the container's id */
  start(wanted: (body: string) => boolean): Promise<string>;
  close(): Promise<void>;
}

const IMAGE = 'slipway-bench-peer';
const DOCKERFILE = `FROM ${IMAGE}-node
WORKDIR /app
COPY package.json package-lock.json ./
COPY node_modules ./node_modules
COPY *.js ./
ENV PORT=3000 NODE_ENV=production
CMD ["node", "server.js"]
`;

/** Runs Docker's command with the builder that every Docker has. @returns what it printed */
export async function docker(...args: string[]): Promise<string> {
  const env = { ...process.env, DOCKER_BUILDKIT: '0' };
  const { stdout } = await run('docker', args, { env, maxBuffer: 64 * 1024 * 1024 });
  return stdout.trim();
}

/** Prepares the peer: a Node.js image on the same base as our dynos, the app's packages installed, one build done. */
export async function openDockerPeer(appFolder: string): Promise<DockerPeer> {
  const folder = await mkdtemp(join(tmpdir(), 'slipway-bench-'));
  await cp(appFolder, folder, { recursive: true });
  await run('npm', ['ci', '--omit=dev', '--no-audit', '--no-fund'], { cwd: folder });
  const base = await mkdtemp(join(tmpdir(), 'slipway-bench-'));
  await copyFile(process.execPath, join(base, 'node'));
  await writeFile(join(base, 'Dockerfile'), 'FROM slipway-13\nUSER root\nCOPY node /usr/local/bin/node\n');
  await docker('build', '--quiet', '--tag', `${IMAGE}-node`, base);
  await rm(base, { recursive: true });
  await writeFile(join(folder, 'Dockerfile'), DOCKERFILE);
  const build = async (): Promise<void> => {
    await docker('build', '--quiet', '--tag', IMAGE, folder);
  };
  await build();
  return {
    folder,
    build,
    docker,
    async start(wanted) {
      const id = await docker('run', '--detach', '--publish', '127.0.0.1::3000', IMAGE);
      const [address = ''] = (await docker('port', id, '3000/tcp')).split('\n');
      await untilAnswers(async () => (await fetch(`http://${address}/`)).text(), wanted);
      return id;
    },
    async close() {
      await docker('rmi', '--force', IMAGE, `${IMAGE}-node`).catch(() => '');
      await rm(folder, { recursive: true, force: true });
    },
  };
}

/** Asks until the answer is the wanted one. */
export async function untilAnswers(
  ask: () => Promise<string>,
  wanted: (body: string) => boolean,
): Promise<void> {
  const deadline = Date.now() + 60_000;
  while (!wanted(await ask().catch(() => ''))) {
    if (Date.now() > deadline) throw new Error('no answer within 60 s');
    await sleep(5);
  }
}
