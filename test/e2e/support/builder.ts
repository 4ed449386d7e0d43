import { execFileSync, spawnSync } from 'node:child_process';
import { mkdtemp, rm, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import * as z from 'zod';

const VERSION = '0.20.5';
/** Stays on the machine, as it takes minutes to make. */
const LIFECYCLE = `slipway-test/lifecycle:${VERSION}`;
const FIXTURE = join(import.meta.dirname, '..', '..', 'fixtures', 'cnb-builder');
/** What apps of the builder run on. */
export const RUN_IMAGE = 'slipway-13-build:latest';

/**
 * Makes a builder of Cloud Native Buildpacks with the real lifecycle, which is compiled from the Go module proxy unless the machine has it.
 * @param name of the image
 * @returns why there is none, or null
 */
export async function makeBuilder(name: string): Promise<string | null> {
  const problem = isThere(LIFECYCLE) ? null : await makeLifecycle();
  if (problem !== null) return problem;
  const metadata = {
    images: [{ image: RUN_IMAGE }],
    stack: { runImage: { image: RUN_IMAGE } },
    lifecycle: { version: VERSION, apis: { platform: { supported: ['0.12', '0.13', '0.14'] } } },
  };
  const label = `io.buildpacks.builder.metadata=${JSON.stringify(metadata)}`;
  execFileSync('docker', ['build', '-q', '-t', name, '--label', label, FIXTURE]);
  return null;
}

export function isThere(image: string): boolean {
  return execFileSync('docker', ['images', '-q', image], { encoding: 'utf8' }) !== '';
}

async function makeLifecycle(): Promise<string | null> {
  const folder = await mkdtemp(join(tmpdir(), 'slipway-lifecycle-'));
  try {
    const downloaded = go(
      ['mod', 'download', '-json', `github.com/buildpacks/lifecycle@v${VERSION}`],
      folder,
    );
    if (downloaded.problem !== null) return downloaded.problem;
    const { Dir } = z.object({ Dir: z.string() }).parse(JSON.parse(downloaded.text));
    const flags = ['build', '-buildvcs=false', '-trimpath', '-ldflags=-s -w', '-o', `${folder}/`];
    const built = go([...flags, './cmd/lifecycle', './cmd/launcher'], Dir);
    if (built.problem !== null) return built.problem;
    await writeFile(
      join(folder, 'Dockerfile'),
      'FROM scratch\nCOPY lifecycle launcher /cnb/lifecycle/\nCMD ["/cnb/lifecycle/lifecycle"]\n',
    );
    execFileSync('docker', ['build', '-q', '-t', LIFECYCLE, folder]);
    return null;
  } finally {
    await rm(folder, { recursive: true, force: true });
  }
}

function go(words: readonly string[], cwd: string): { text: string; problem: string | null } {
  const env = { ...process.env, CGO_ENABLED: '0', GOOS: 'linux' };
  const { status, stdout, stderr, error } = spawnSync('go', words, { cwd, env, encoding: 'utf8' });
  if (status === 0) return { text: stdout, problem: null };
  const reason = error?.message ?? (stderr.trim().split('\n').at(-1) || stdout.trim());
  return {
    text: '',
    problem: `the lifecycle ${VERSION} cannot be compiled (go ${words[0] ?? ''}: ${reason})`,
  };
}
