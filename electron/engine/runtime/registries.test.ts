import { mkdirSync, mkdtempSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { expect, it } from 'vitest';
import { registrySettings } from './registries.ts';

it('takes registries from the environment before settings files, and nothing else', () => {
  const home = mkdtempSync(join(tmpdir(), 'slipway-registries-'));
  try {
    for (const folder of ['.config/pip', '.config/go', '.m2'])
      mkdirSync(join(home, folder), { recursive: true });
    const pip = '[global]\nindex-url = https://pip.example/simple\ntimeout = 5\n';
    writeFileSync(join(home, '.config', 'pip', 'pip.conf'), pip);
    const go = 'GOPROXY=https://go.example,direct\nGOFLAGS=-v\n';
    writeFileSync(join(home, '.config', 'go', 'env'), go);
    const mirrors = ['snapshots', 'external:*,!private'].map(
      (of) => `<mirror><url>https://${of.length}.example/maven</url><mirrorOf>${of}</mirrorOf></mirror>`,
    );
    writeFileSync(join(home, '.m2', 'settings.xml'), `<settings>${mirrors.join('')}</settings>`);
    const env = { GOPROXY: 'off', GOFLAGS: '-x', UV_DEFAULT_INDEX: 'https://uv.example', PATH: '/bin' };
    const { npm_config_registry: npm, ...rest } = registrySettings(env, home);
    expect(npm).toMatch(/^https?:/);
    expect(rest).toEqual({
      PIP_INDEX_URL: 'https://pip.example/simple',
      GOPROXY: 'off',
      UV_DEFAULT_INDEX: 'https://uv.example',
      MAVEN_MIRROR_URL: 'https://19.example/maven',
    });
  } finally {
    rmSync(home, { recursive: true });
  }
});
