import { mkdtempSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { basename, dirname, join } from 'node:path';
import { afterAll, describe, expect, it } from 'vitest';
import { isFolder, placeOfLink, readLaunch } from './launch.ts';

const folder = mkdtempSync(join(tmpdir(), 'slipway-launch-'));
afterAll(() => {
  rmSync(folder, { recursive: true });
});

describe('a link into the app', () => {
  it('leads to an app', () => {
    expect(placeOfLink('slipway://apps/shop')).toBe('/apps/shop');
  });

  it.each([
    'slipway://apps/',
    'slipway://apps/Shop',
    'slipway://apps/shop/settings',
    'slipway://apps/shop?run=rm',
    'slipway://apps/shop#x',
    'slipway://apps:1/shop',
    'slipway://me@apps/shop',
    'slipway://settings/shop',
    'http://apps/shop',
    '/apps/shop',
    '',
  ])('%j leads nowhere', (link) => {
    expect(placeOfLink(link)).toBeNull();
  });
});

describe('a command line', () => {
  it('names a folder, absolute or relative, behind switches', () => {
    expect(readLaunch(['slipway', '--flag', folder], 1, '/')).toEqual({ place: null, folder });
    expect(readLaunch(['--flag', 'electron', 'app', basename(folder)], 2, dirname(folder))).toEqual({
      place: null,
      folder,
    });
  });

  it('names a link', () => {
    expect(readLaunch(['slipway', 'slipway://apps/shop'], 1, folder)).toEqual({
      place: '/apps/shop',
      folder: null,
    });
  });

  it('asks for nothing by what is neither', () => {
    const file = join(folder, 'file');
    writeFileSync(file, '');
    expect(readLaunch(['x', file, join(folder, 'missing'), 'https://x.example'], 1, folder)).toEqual({
      place: null,
      folder: null,
    });
    expect(isFolder('.')).toBe(false);
  });
});
