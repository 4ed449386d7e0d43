import { spawn } from 'node:child_process';
import { join } from 'node:path';

const BIN = join(import.meta.dirname, '..', '..', 'node_modules', '.bin');
const ROOT = join(import.meta.dirname, '..', '..');

type Step = readonly [name: string, command: string, ...args: string[]];

/** What has to hold of the sources, each with the command that shows it; the longest first. */
const STEPS: readonly Step[] = [
  ['lint', 'eslint', '--max-warnings', '0', '.'],
  ['types of engine, hosts and tests', 'tsc', '-p', 'tsconfig.json'],
  ['types of shared', 'tsc', '-p', 'shared/tsconfig.json'],
  ['types of the renderer', 'tsc', '-p', 'renderer/tsconfig.json'],
  ['types of the tests in a browser', 'tsc', '-p', 'test/ui/tsconfig.json'],
  ['format', 'biome', 'format', '.'],
  [
    'layers',
    'depcruise',
    '--config',
    '.dependency-cruiser.cjs',
    'shared',
    'electron',
    'renderer',
    'test',
    'bench',
  ],
  ['unused code', 'knip'],
];

/** Runs every step, also behind a failed one, two at a time, and tells how each went. */
async function check(): Promise<number> {
  const left = [...STEPS];
  let failed = 0;
  const work = async (): Promise<void> => {
    for (let step = left.shift(); step !== undefined; step = left.shift())
      if (!(await holds(step))) failed += 1;
  };
  await Promise.all([work(), work()]);
  return failed === 0 ? 0 : 1;
}

async function holds([name, command, ...args]: Step): Promise<boolean> {
  const started = performance.now();
  const { code, output } = await run(command, args);
  const seconds = ((performance.now() - started) / 1000).toFixed(1);
  console.log(`${code === 0 ? 'ok    ' : 'FAILED'} ${name} (${seconds} s)`);
  if (code !== 0) console.log(output);
  return code === 0;
}

function run(command: string, args: readonly string[]): Promise<{ code: number | null; output: string }> {
  return new Promise((resolve, reject) => {
    const child = spawn(join(BIN, command), args, { cwd: ROOT, stdio: ['ignore', 'pipe', 'pipe'] });
    let output = '';
    for (const stream of [child.stdout, child.stderr])
      stream.on('data', (chunk: Buffer) => (output += chunk.toString()));
    child.on('error', reject);
    child.on('close', (code) => {
      resolve({ code, output });
    });
  });
}

process.exitCode = await check();
