import { spawnSync } from 'node:child_process';
import { cpSync, mkdirSync, mkdtempSync, rmSync, symlinkSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterEach, beforeEach, describe, expect, it } from 'vitest';

const ROOT = join(import.meta.dirname, '..');
const KEPT = ['electron', 'shared', 'package.json', 'tsconfig.json'];

let copy: string;

beforeEach(() => {
  copy = mkdtempSync(join(tmpdir(), 'slipway-sources-'));
  for (const name of KEPT) cpSync(join(ROOT, name), join(copy, name), { recursive: true, force: true });
  symlinkSync(join(ROOT, 'node_modules'), join(copy, 'node_modules'));
  mkdirSync(join(copy, 'renderer'));
  writeFileSync(join(copy, 'renderer', 'vite.config.ts'), 'export default { root: "renderer" };');
  writeFileSync(join(copy, 'renderer', 'index.html'), '<script type="module" src="./main.ts"></script>');
});

afterEach(() => {
  rmSync(copy, { recursive: true });
});

function run(...args: string[]): { status: number | null; stdout: string; lines: string[] } {
  const env = { ...process.env, SLIPWAY_HOME: join(copy, 'home') };
  const { status, stdout, stderr } = spawnSync(process.execPath, args, { cwd: copy, env, encoding: 'utf8' });
  return { status, stdout, lines: stderr.trim().split('\n') };
}

describe('a UI that cannot be built', () => {
  it('is one line with reason and place when Slipway starts', () => {
    writeFileSync(join(copy, 'renderer', 'main.ts'), "import { x } from './nowhere.ts';\nx();\n");
    const { status, stdout, lines } = run('electron/start.ts', '--headless');
    expect(status).toBe(1);
    expect(stdout).toBe('');
    expect(lines).toEqual([
      expect.stringMatching(
        /^slipway: renderer \(renderer\/vite\.config\.ts\) could not be built: .*Could not resolve '\.\/nowhere\.ts' in renderer\/main\.ts \(renderer\/main\.ts:1:19\)\. .*npm run build/,
      ),
    ]);
  });

  it('is told with all that the bundler says by npm run build', () => {
    writeFileSync(join(copy, 'renderer', 'main.ts'), 'const a = (;\n');
    const { status, lines } = run('electron/build.ts');
    expect(status).toBe(1);
    expect(lines.length).toBeGreaterThan(3);
    expect(lines.at(-1)).toMatch(/^slipway: renderer .*Unexpected token \(renderer\/main\.ts:1:12\)\. /);
  });

  it('names a bundler that cannot even start', () => {
    rmSync(join(copy, 'renderer', 'vite.config.ts'));
    writeFileSync(join(copy, 'renderer', 'main.ts'), '');
    const { status, lines } = run('electron/start.ts', '--headless');
    expect(status).toBe(1);
    expect(lines).toEqual([expect.stringMatching(/could not be built: .*vite\.config\.ts/)]);
  });
});
