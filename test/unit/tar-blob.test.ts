import { execFileSync } from 'node:child_process';
import { mkdtempSync, readFileSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterAll, describe, expect, it } from 'vitest';
import { tarBlob } from '../../renderer/actions/tar-blob.ts';

const folder = mkdtempSync(join(tmpdir(), 'slipway-tar-'));
afterAll(() => {
  rmSync(folder, { recursive: true });
});

describe('the tar of dropped files', () => {
  it('is unpacked whole by tar, long names, UTF-8 and empty files included', async () => {
    const long = `${'folder/'.repeat(30)}name.txt`;
    const contents: Record<string, string> = {
      'package.json': '{}',
      'bin/run': '#!/bin/sh\n',
      'ünïcode/ß.txt': 'grüße',
      empty: '',
      [long]: 'x'.repeat(1_000),
      exact: 'y'.repeat(512),
    };
    const files = Object.entries(contents).map(([path, text]) => ({
      path,
      file: new File([text], 'f', { lastModified: 1_700_000_000_000 }),
    }));
    execFileSync('tar', ['-xf', '-', '-C', folder], {
      input: Buffer.from(await tarBlob(files).arrayBuffer()),
    });
    for (const [path, text] of Object.entries(contents)) {
      expect(readFileSync(join(folder, path), 'utf8')).toBe(text);
    }
  });
});
