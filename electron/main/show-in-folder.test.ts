import { mkdirSync, mkdtempSync, realpathSync, rmSync, symlinkSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterAll, describe, expect, it } from 'vitest';
import { pathWithin } from './show-in-folder.ts';

const root = realpathSync(mkdtempSync(join(tmpdir(), 'slipway-within-')));
const app = join(root, 'app');
mkdirSync(join(app, 'src'), { recursive: true });
mkdirSync(join(root, 'application'));
writeFileSync(join(root, 'secret'), '');
symlinkSync(join(root, 'secret'), join(app, 'out'));
afterAll(() => {
  rmSync(root, { recursive: true });
});

describe('what may be shown in the file manager', () => {
  it('is an app’s folder and what is in it', async () => {
    expect(await pathWithin(app, [app])).toBe(app);
    expect(await pathWithin(join(app, 'src'), ['/elsewhere', app])).toBe(join(app, 'src'));
  });

  it.each([
    join(root, 'secret'),
    join(root, 'application'),
    join(app, '..', 'secret'),
    join(app, 'out'),
    join(app, 'missing'),
    'app',
    '//machine/share',
    '',
    5,
    null,
  ])('is not %j', async (path) => {
    expect(await pathWithin(path, [app])).toBeNull();
  });
});
