import { type ChildProcess, execFile, spawn, spawnSync } from 'node:child_process';
import { once } from 'node:events';
import { closeSync, existsSync, openSync } from 'node:fs';
import { mkdir, mkdtemp, readFile, rm, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { setTimeout as sleep } from 'node:timers/promises';
import { promisify } from 'node:util';

const run = promisify(execFile);

/** What dynos start from. */
const IMAGE = 'slipway-13:latest';
/** An engine looks for this image too, though nothing is compiled here. */
const BUILD_IMAGE = 'slipway-13-build:latest';
const START_MS = 60_000;
/** Room for the image and for what dynos write. In memory, so that it is quick and can be filled. */
const DATA_BYTES = 1024 ** 3;

/** Addresses of its networks, none of which the machine's daemon gives by itself. */
const ADDRESSES = '10.213.0.0/16';
/** Default network of the machine's daemon. */
const BRIDGE = 'docker0';

/**
 * A Docker daemon of the test's own, beside the machine's. It has no way to the outside and leaves the machine's firewall
 * alone, so what runs on it has to be compiled elsewhere.
 */
export interface PrivateDocker {
  /** For DOCKER_HOST. */
  readonly address: string;
  /** Folder of its images and containers: a file system of its own. */
  readonly dataRoot: string;
  /** Runs `docker` against it. @returns what it printed */
  docker(...args: string[]): Promise<string>;
  /** Ends it as the machine's service manager would: its containers end as well. */
  stop(): Promise<void>;
  /** kill -9 of the daemon and of its containerd; containers live on until the next start. */
  kill(): Promise<void>;
  /** Starts it again. @returns once it answers */
  start(): Promise<void>;
  /** Removes its containers, ends it and removes its folder. */
  close(): Promise<void>;
}

/** Why no second daemon can be started here, or null when it can. Printed, so that a skip is never silent. */
export function whyNoPrivateDocker(): string | null {
  const reason = obstacle();
  if (reason !== null) console.log(`${reason}: tests that stop Docker are skipped`);
  return reason;
}

function obstacle(): string | null {
  if (process.platform !== 'linux') return 'A second Docker daemon needs Linux';
  if (process.getuid?.() !== 0) return 'A second Docker daemon needs root';
  for (const program of ['dockerd', 'containerd', 'docker', 'mount']) {
    if (spawnSync('which', [program]).status !== 0) return `There is no ${program}`;
  }
  const { status, stderr } = spawnSync('docker', ['image', 'inspect', IMAGE], { encoding: 'utf8' });
  return status === 0 ? null : `The machine's Docker has no stack image (${stderr.trim()})`;
}

/** Starts a second daemon and gives it the image of dynos that the machine's has. */
export async function startPrivateDocker(): Promise<PrivateDocker> {
  const daemon = new OwnDaemon(await mkdtemp(join(tmpdir(), 'slipway-own-docker-')));
  try {
    await daemon.prepare();
    await daemon.start();
    await daemon.loadImage();
    return daemon;
  } catch (error) {
    await daemon.close();
    throw error;
  }
}

class OwnDaemon implements PrivateDocker {
  readonly address: string;
  readonly dataRoot: string;
  private readonly folder: string;
  private readonly containerdSocket: string;
  private dockerd: ChildProcess | null = null;
  /** Started here and not by the daemon, as only its parent sees for certain that it has ended. */
  private containerd: ChildProcess | null = null;

  constructor(folder: string) {
    this.folder = folder;
    this.dataRoot = join(folder, 'data');
    this.containerdSocket = join(folder, 'containerd.sock');
    this.address = `unix://${join(folder, 'docker.sock')}`;
  }

  async prepare(): Promise<void> {
    await mkdir(this.dataRoot);
    await run('mount', ['-t', 'tmpfs', '-o', `size=${DATA_BYTES}`, 'slipway-own-docker', this.dataRoot]);
    const lines = [
      'version = 2',
      `root = ${JSON.stringify(join(this.folder, 'containerd-root'))}`,
      `state = ${JSON.stringify(join(this.folder, 'containerd-state'))}`,
      'disabled_plugins = ["io.containerd.grpc.v1.cri"]',
      `[grpc]\naddress = ${JSON.stringify(this.containerdSocket)}`,
    ];
    await writeFile(join(this.folder, 'containerd.toml'), lines.join('\n'));
  }

  async docker(...args: string[]): Promise<string> {
    const { stdout } = await run('docker', ['-H', this.address, ...args]);
    return stdout.trim();
  }

  async start(): Promise<void> {
    this.containerd ??= this.spawn('containerd', ['--config', join(this.folder, 'containerd.toml')]);
    await this.until('containerd', this.containerd, async () => existsSync(this.containerdSocket));
    const bridge = await machineBridge();
    this.dockerd ??= this.spawn('dockerd', this.options());
    await this.until('dockerd', this.dockerd, () => this.answers());
    if (bridge !== null) await putBack(bridge);
  }

  async loadImage(): Promise<void> {
    const save = spawn('docker', ['save', IMAGE], { stdio: ['ignore', 'pipe', 'inherit'] });
    const load = spawn('docker', ['-H', this.address, 'load', '--quiet'], {
      stdio: ['pipe', 'ignore', 'inherit'],
    });
    save.stdout.pipe(load.stdin);
    const [code] = (await once(load, 'exit')) as [number | null];
    if (code !== 0) throw new Error(`${IMAGE} could not be loaded into the second Docker daemon`);
    await this.docker('tag', IMAGE, BUILD_IMAGE);
  }

  async stop(): Promise<void> {
    await this.end('dockerd', 'SIGTERM');
    await this.end('containerd', 'SIGTERM');
  }

  async kill(): Promise<void> {
    await Promise.all([this.end('dockerd', 'SIGKILL'), this.end('containerd', 'SIGKILL')]);
    await rm(this.containerdSocket, { force: true });
  }

  async close(): Promise<void> {
    if (this.dockerd !== null && (await this.answers())) {
      for (const id of await this.ids('ps', '-aq')) await this.docker('rm', '-f', id).catch(() => '');
      const networks = await this.ids('network', 'ls', '-q', '--filter', 'type=custom');
      for (const id of networks) await this.docker('network', 'rm', id).catch(() => '');
    }
    await this.stop();
    await run('umount', [this.dataRoot]).catch(() => run('umount', ['--lazy', this.dataRoot]));
    await rm(this.folder, { recursive: true, force: true, maxRetries: 5 });
  }

  private async ids(...args: string[]): Promise<string[]> {
    return (await this.docker(...args)).split('\n').filter((id) => id !== '');
  }

  private options(): string[] {
    return [
      ...['--data-root', this.dataRoot, '--exec-root', join(this.folder, 'exec')],
      ...['--pidfile', join(this.folder, 'docker.pid'), '--host', this.address],
      ...['--containerd', this.containerdSocket, '--storage-driver=overlay2'],
      ...['--bridge=none', '--iptables=false', '--ip6tables=false'],
      `--default-address-pool=base=${ADDRESSES},size=24`,
    ];
  }

  private spawn(program: string, args: readonly string[]): ChildProcess {
    const log = openSync(join(this.folder, `${program}.log`), 'a');
    try {
      return spawn(program, args, { stdio: ['ignore', log, log] });
    } finally {
      closeSync(log);
    }
  }

  private async until(program: string, child: ChildProcess, holds: () => Promise<boolean>): Promise<void> {
    const deadline = Date.now() + START_MS;
    while (!(await holds())) {
      if (child.exitCode !== null || Date.now() > deadline) {
        const text = await readFile(join(this.folder, `${program}.log`), 'utf8');
        throw new Error(`${program} does not start a second time on this machine: ${text.slice(-2_000)}`);
      }
      await sleep(20);
    }
  }

  private async answers(): Promise<boolean> {
    if (!existsSync(join(this.folder, 'docker.sock'))) return false;
    return this.docker('version', '--format', '{{.Server.Version}}').then(
      () => true,
      () => false,
    );
  }

  private async end(which: 'dockerd' | 'containerd', signal: 'SIGTERM' | 'SIGKILL'): Promise<void> {
    const child = this[which];
    this[which] = null;
    if (child === null || child.exitCode !== null || child.signalCode !== null) return;
    const exit = once(child, 'exit');
    child.kill(signal);
    await exit;
  }
}

/** Address of the machine's default network, or null where there is none. */
async function machineBridge(): Promise<string | null> {
  const { stdout } = await run('ip', ['-o', '-4', 'addr', 'show', 'dev', BRIDGE]).catch(() => ({
    stdout: '',
  }));
  return / inet (\S+)/.exec(stdout)?.[1] ?? null;
}

/** A daemon without a default network removes the machine's, which is still in use. */
async function putBack(address: string): Promise<void> {
  if ((await machineBridge()) !== null) return;
  await run('ip', ['link', 'add', BRIDGE, 'type', 'bridge']);
  await run('ip', ['addr', 'add', address, 'dev', BRIDGE]);
  await run('ip', ['link', 'set', BRIDGE, 'up']);
}
