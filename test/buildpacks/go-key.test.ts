import { execFileSync } from 'node:child_process';
import { mkdtemp, rm, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterEach, beforeEach, describe, expect, it } from 'vitest';

const PACKS = join(import.meta.dirname, '..', '..', 'buildpacks');

describe('what the programs of a Go app are known by', () => {
  let app: string;

  beforeEach(async () => {
    app = await mkdtemp(join(tmpdir(), 'slipway-go-key-'));
    await writeFile(join(app, 'main.go'), 'package main');
  });
  afterEach(() => rm(app, { recursive: true, force: true }));

  const keyOf = (env: Readonly<Record<string, string>>): string => {
    const script = '. "$PACKS/common/common.sh"; . "$PACKS/go/lib/build.sh"; source_key';
    const all = { PATH: process.env['PATH'], PACKS, ...env };
    return execFileSync('bash', ['--norc', '-euc', script], { cwd: app, env: all, encoding: 'utf8' });
  };

  it('is the source alone, whatever commit it is of', async () => {
    const first = keyOf({ SOURCE_VERSION: 'a' });
    expect(first).toMatch(/^[0-9a-f]{64} /);
    expect(keyOf({ SOURCE_VERSION: 'b' })).toBe(first);
    await writeFile(join(app, 'main.go'), 'package main // changed');
    expect(keyOf({ SOURCE_VERSION: 'a' })).not.toBe(first);
  });

  it('is the commit as well where a program has it in it, or what stands for it', () => {
    const symbol = { GO_LINKER_SYMBOL: 'main.commit' };
    const first = keyOf({ ...symbol, SOURCE_VERSION: 'a' });
    expect(keyOf({ ...symbol, SOURCE_VERSION: 'a' })).toBe(first);
    expect(keyOf({ ...symbol, SOURCE_VERSION: 'b' })).not.toBe(first);
    const said = { ...symbol, GO_LINKER_VALUE: 'v1' };
    expect(keyOf({ ...said, SOURCE_VERSION: 'a' })).toBe(keyOf({ ...said, SOURCE_VERSION: 'b' }));
    expect(keyOf({ ...said, SOURCE_VERSION: 'a' })).not.toBe(keyOf({ ...said, GO_LINKER_VALUE: 'v2' }));
  });
});
