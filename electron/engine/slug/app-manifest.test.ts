import { describe, expect, it } from 'vitest';
import { readManifest } from './app-manifest.ts';

describe('app.json', () => {
  it('names config vars, buildpacks, add-ons and a postdeploy command', () => {
    const manifest = readManifest(
      JSON.stringify({
        env: {
          PLAIN: 'text',
          NUMBER: 3,
          SECRET: { generator: 'secret' },
          ASKED: { description: 'what it is' },
          OPTIONAL: { required: false, value: '' },
        },
        buildpacks: [{ url: 'heroku/nodejs' }, { url: 'urn:buildpack:heroku/python' }],
        addons: ['heroku-postgresql', { plan: 'heroku-redis:mini', as: 'CACHE' }],
        scripts: { postdeploy: 'node seed.js' },
        stack: 'container',
      }),
    );
    const nothing = { description: '', value: null, required: true, secret: false };
    expect(manifest).toEqual({
      env: [
        { ...nothing, name: 'PLAIN', value: 'text' },
        { ...nothing, name: 'NUMBER', value: '3' },
        { ...nothing, name: 'SECRET', secret: true },
        { ...nothing, name: 'ASKED', description: 'what it is' },
        { ...nothing, name: 'OPTIONAL', value: '', required: false },
      ],
      buildpacks: ['heroku/nodejs', 'urn:buildpack:heroku/python'],
      addons: ['heroku-postgresql', 'heroku-redis:mini'],
      stack: 'container',
      postdeploy: 'node seed.js',
      warnings: [],
    });
  });

  it('is used as far as it is right, with a warning for the rest', () => {
    const manifest = readManifest(
      JSON.stringify({
        env: { 'not-a-name': 'x', HEROKU_OWN: 'x', LIST: [1], GOOD: 'x' },
        buildpacks: [{ url: 'nonsense' }, 7, 'heroku/go'],
        addons: [{}, 'plan'],
        scripts: { postdeploy: ['a', 'b'] },
      }),
    );
    expect(manifest.env.map((each) => each.name)).toEqual(['GOOD']);
    expect(manifest.buildpacks).toEqual(['heroku/go']);
    expect(manifest.addons).toEqual(['plan']);
    expect(manifest.postdeploy).toBeNull();
    expect(manifest.warnings).toHaveLength(7);
  });

  it.each([null, '', 'no json', '[]', '7', '{"env": 7, "scripts": []}'])('%j asks for nothing', (text) => {
    expect(readManifest(text)).toMatchObject({ env: [], buildpacks: [], addons: [], postdeploy: null });
  });
});
