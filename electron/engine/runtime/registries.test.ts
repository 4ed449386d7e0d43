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

it('takes mirrors of Bundler and repositories of Composer out of their settings files', () => {
  const home = mkdtempSync(join(tmpdir(), 'slipway-registries-'));
  try {
    mkdirSync(join(home, '.bundle'));
    const mirror = 'BUNDLE_MIRROR__HTTPS://GEMS__EXAMPLE/: "http://mirror.example/"';
    writeFileSync(join(home, '.bundle', 'config'), `---\nBUNDLE_JOBS: "2"\n${mirror}\n`);
    mkdirSync(join(home, '.composer'));
    const repositories = { own: { type: 'composer', url: 'https://php.example' } };
    writeFileSync(
      join(home, '.composer', 'config.json'),
      JSON.stringify({ config: { 'preferred-install': 'dist' }, repositories }),
    );
    const named = { 'BUNDLE_MIRROR__HTTPS://OTHER__EXAMPLE/': 'http://other.example/' };
    const found = registrySettings(named, home);
    expect(found['SLIPWAY_BUNDLE_CONFIG']).toBe(
      `${mirror}\nBUNDLE_MIRROR__HTTPS://OTHER__EXAMPLE/: "http://other.example/"`,
    );
    expect(JSON.parse(found['SLIPWAY_COMPOSER_CONFIG'] ?? '')).toEqual({ repositories });
  } finally {
    rmSync(home, { recursive: true });
  }
});
