import { describe, expect, it } from 'vitest';
import { readBuilder, readProcesses } from './builder-image.ts';

/** As `pack` writes it into builders. */
const METADATA = {
  stack: { runImage: { image: 'heroku/heroku:24-cnb', mirrors: null } },
  images: [{ image: 'docker.io/heroku/heroku:24-cnb' }],
  lifecycle: {
    version: '0.20.5',
    api: { buildpack: '0.7', platform: '0.7' },
    apis: { platform: { deprecated: null, supported: ['0.7', '0.9', '0.10'] } },
  },
};

describe('what the labels of a builder say', () => {
  it('is the user, the image that apps run on, and the newest interface that both know', () => {
    expect(read(METADATA)).toEqual({
      ...{ id: 'sha256:1', uid: 1001, gid: 1000 },
      ...{ runImage: 'docker.io/heroku/heroku:24-cnb', platformApi: '0.10' },
    });
  });

  it('may be that of older builders', () => {
    const { stack } = METADATA;
    expect(read({ stack, lifecycle: { api: { platform: '0.8' } } })).toMatchObject({
      ...{ runImage: 'heroku/heroku:24-cnb', platformApi: '0.8' },
    });
  });

  it('has to be there, to name a run image and to fit', () => {
    expect(() => readBuilder('debian:13', { id: '', labels: {}, env: [] })).toThrow(
      /^The image debian:13 is no builder of Cloud Native Buildpacks: it lacks the label/,
    );
    expect(() => read({ lifecycle: METADATA.lifecycle })).toThrow(
      'The builder some/builder:1 does not say which image apps run on.',
    );
    const lifecycle = { apis: { platform: { supported: ['0.3'], deprecated: [] } } };
    expect(() => read({ ...METADATA, lifecycle })).toThrow(
      'The builder some/builder:1 knows the platform interface in the versions 0.3, and Slipway in 0.7, ',
    );
  });
});

describe('what the labels of a built image say', () => {
  it('are its process types, with commands in either form', () => {
    const processes = [
      { type: 'web', command: ['node', 'server.js'], args: ['--quiet'], default: true },
      { type: 'worker', command: './work.sh', args: null },
    ];
    expect(readProcesses({ 'io.buildpacks.build.metadata': JSON.stringify({ processes }) })).toEqual([
      { type: 'web', words: ['node', 'server.js', '--quiet'], isDefault: true },
      { type: 'worker', words: ['./work.sh'], isDefault: false },
    ]);
    expect(readProcesses({ 'io.buildpacks.build.metadata': '{}' })).toEqual([]);
    expect(() => readProcesses({})).toThrow('its label io.buildpacks.build.metadata cannot be read');
  });
});

function read(metadata: object) {
  return readBuilder('some/builder:1', {
    id: 'sha256:1',
    labels: { 'io.buildpacks.builder.metadata': JSON.stringify(metadata) },
    env: ['PATH=/bin', 'CNB_USER_ID=1001', 'CNB_GROUP_ID=1000'],
  });
}
