import { existsSync } from 'node:fs';
import { join } from 'node:path';
import { describe, expect, it } from 'vitest';
import { codePath, productVersion, resourcePath } from './resources.ts';

const REPOSITORY = join(import.meta.dirname, '..', '..');

describe('where things are', () => {
  it('finds buildpacks in the repository', () => {
    expect(resourcePath('buildpacks')).toBe(join(REPOSITORY, 'buildpacks'));
    expect(existsSync(join(resourcePath('buildpacks'), 'nodejs', 'bin', 'detect'))).toBe(true);
  });

  it('finds buildpacks beside the archive of the packaged app', () => {
    const root = join('/opt', 'Slipway', 'resources', 'app.asar');
    expect(resourcePath('buildpacks', root)).toBe(join('/opt', 'Slipway', 'resources', 'buildpacks'));
  });

  it('finds code where the code is', () => {
    expect(codePath('electron', 'start.ts')).toBe(join(REPOSITORY, 'electron', 'start.ts'));
    expect(productVersion()).toMatch(/^\d+\.\d+\.\d+/);
  });
});
