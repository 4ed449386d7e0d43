import { expect, it } from 'vitest';
import { ReleaseDiff } from '#shared/model/release-diff.ts';
import { diffReleases, type ReleaseSide } from './diff.ts';

const slug = {
  sha256: 'a'.repeat(64),
  size: 100,
  processTypes: { web: 'node server.js', worker: 'node worker.js' },
  commit: 'c1',
  language: 'Node.js',
  stack: 'slipway-13',
};

function side(version: number, config: Record<string, string>, code: ReleaseSide['slug']): ReleaseSide {
  return { release: { version, config }, slug: code };
}

it('names what a deploy and a config change made different, and never a value', () => {
  const next = {
    ...slug,
    ...{ sha256: 'b'.repeat(64), size: 140, commit: 'c2' },
    processTypes: { web: 'node app.js', clock: 'node clock.js' },
  };
  const diff = diffReleases(
    side(3, { KEEP: 'same-secret', OLD: 'old-secret', URL: 'first-secret' }, slug),
    side(7, { KEEP: 'same-secret', NEW: 'new-secret', URL: 'second-secret' }, next),
  );
  expect(diff).toEqual({
    from: 3,
    to: 7,
    processTypes: [
      { type: 'web', from: 'node server.js', to: 'node app.js' },
      { type: 'clock', from: null, to: 'node clock.js' },
      { type: 'worker', from: 'node worker.js', to: null },
    ],
    config: { added: ['NEW'], removed: ['OLD'], changed: ['URL'] },
    slugBytes: { from: 100, to: 140 },
    sameSlug: false,
    commit: { from: 'c1', to: 'c2' },
    language: { from: 'Node.js', to: 'Node.js' },
    stack: { from: 'slipway-13', to: 'slipway-13' },
  });
  expect(JSON.stringify(diff)).not.toContain('secret');
  expect(ReleaseDiff.parse(diff)).toEqual(diff);
});

it('finds nothing between two releases of the same code and config', () => {
  expect(diffReleases(side(3, { A: '1' }, slug), side(5, { A: '1' }, slug))).toMatchObject({
    processTypes: [],
    config: { added: [], removed: [], changed: [] },
    sameSlug: true,
  });
});

it('has null where a release has no code', () => {
  expect(diffReleases(side(2, {}, null), side(3, {}, slug))).toMatchObject({
    processTypes: [
      { type: 'web', from: null, to: 'node server.js' },
      { type: 'worker', from: null, to: 'node worker.js' },
    ],
    slugBytes: { from: null, to: 100 },
    sameSlug: false,
    stack: { from: null, to: 'slipway-13' },
  });
  expect(diffReleases(side(1, {}, null), side(2, {}, null)).sameSlug).toBe(true);
});

it('takes names that objects have by themselves for what they are', () => {
  expect(diffReleases(side(1, {}, null), side(2, { constructor: 'x' }, null)).config).toEqual({
    ...{ added: ['constructor'], removed: [], changed: [] },
  });
});
