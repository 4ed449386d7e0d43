import { execFileSync, spawn, spawnSync } from 'node:child_process';
import { mkdtempSync, openSync, readFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { setTimeout as sleep } from 'node:timers/promises';

/** Programs that tests use for real, and the Debian package that has each. */
const PROGRAMS: readonly (readonly [string, string])[] = [
  ['dockerd', 'docker.io'],
  ['docker', 'docker.io'],
  ['mmdebstrap', 'mmdebstrap'],
  ['zstd', 'zstd'],
  ['curl', 'curl'],
  ['git', 'git'],
  ['chromium', 'chromium'],
];

const STACK = join(import.meta.dirname, '..', '..', 'electron', 'cli', 'stack.ts');

/** Prepares a bare Debian machine for the tests; elsewhere it says what is missing and goes on. */
async function prepareMachine(): Promise<void> {
  const missing = PROGRAMS.filter(([program]) => !has(program));
  if (missing.length > 0) install([...new Set(missing.map(([, name]) => name))]);
  if (!dockerAnswers() && has('dockerd') && process.getuid?.() === 0) await startDocker();
  if (dockerAnswers()) makeStack();
  else
    console.log('Docker does not answer: tests on the Docker runtime are skipped. Start Docker to run them.');
}

function install(packages: string[]): void {
  if (process.getuid?.() !== 0 || !has('apt-get')) {
    console.log(
      `Not installed: ${packages.join(', ')}. Tests that need them are skipped, each with its reason.`,
    );
    return;
  }
  console.log(`Installing ${packages.join(', ')}`);
  const env = { ...process.env, DEBIAN_FRONTEND: 'noninteractive' };
  execFileSync('apt-get', ['update', '-qq'], { env, stdio: ['ignore', 'ignore', 'inherit'] });
  execFileSync('apt-get', ['install', '-y', '-qq', '--no-install-recommends', ...packages], {
    env,
    stdio: ['ignore', 'ignore', 'inherit'],
  });
}

/** Starts the Docker daemon by hand, as machines without a service manager need it; it goes on after the tests. */
async function startDocker(): Promise<void> {
  const log = join(mkdtempSync(join(tmpdir(), 'slipway-dockerd-')), 'dockerd.log');
  console.log(`Starting dockerd (log: ${log})`);
  const file = openSync(log, 'a');
  spawn('dockerd', [], { detached: true, stdio: ['ignore', file, file] }).unref();
  for (let tries = 0; tries < 60 && !dockerAnswers(); tries += 1) await sleep(500);
  if (!dockerAnswers()) console.log(`dockerd did not start: ${readFileSync(log, 'utf8').slice(-1_000)}`);
}

/** Makes the stack images before the tests, two files of which would otherwise begin with it at the same time. */
function makeStack(): void {
  const { status } = spawnSync(process.execPath, [STACK], { stdio: ['ignore', 'inherit', 'inherit'] });
  if (status !== 0) console.log('The stack images could not be made: tests on the Docker runtime will fail.');
}

function dockerAnswers(): boolean {
  return has('docker') && spawnSync('docker', ['info'], { stdio: 'ignore' }).status === 0;
}

function has(program: string): boolean {
  return spawnSync('sh', ['-c', `command -v ${program}`], { stdio: 'ignore' }).status === 0;
}

await prepareMachine();
