import { describe, expect, it } from 'vitest';
import type { Dyno } from '#shared/model/app.ts';
import type { Build } from '#shared/model/build.ts';
import { Notices, QUIET } from './notices.ts';

const build = (change: Partial<Build>): Build => ({
  ...{ id: 'b1', app: 'shop', status: 'succeeded', phases: [], release: 3, failure: null },
  ...{ createdAt: '', finishedAt: '2026-01-01T00:00:00Z' },
  ...change,
});
const dyno = (id: string, state: Dyno['state']): Dyno => ({
  ...{ id, name: 'web.1', type: 'web', state, release: 3, size: 'eco', command: 'x', updatedAt: '' },
  reason: 'It ended with 1.',
});

describe('notices', () => {
  it('tell the end of a deploy once', () => {
    const notices = new Notices();
    expect(notices.ofBuild('shop', build({ finishedAt: null }))).toBeNull();
    expect(notices.ofBuild('shop', build({}))).toEqual({
      ...{ title: 'shop is live', body: 'Release v3 is up.', place: '/apps/shop' },
    });
    expect(notices.ofBuild('shop', build({}))).toBeNull();
  });

  it('tell why a deploy failed, also behind its build, and keep still when the person cancelled it', () => {
    const notices = new Notices();
    const failure = { code: 'launch_failed', message: 'web.1 never listened.' } as const;
    expect(notices.ofBuild('shop', build({ id: 'b2', failure }))).toMatchObject({
      ...{ title: 'Deploy of shop failed', body: 'web.1 never listened.' },
    });
    const cancelled = { code: 'cancelled', message: '' } as const;
    expect(notices.ofBuild('shop', build({ id: 'b3', status: 'failed', failure: cancelled }))).toBeNull();
  });

  it('tell a crash once, and of a loop of crashes only now and then', () => {
    const notices = new Notices();
    expect(notices.ofDynos('shop', [dyno('d1', 'up')], 0)).toBeNull();
    expect(notices.ofDynos('shop', [dyno('d1', 'crashed')], 1)).toMatchObject({
      ...{ title: 'shop: web.1 crashed', body: 'It ended with 1.' },
    });
    expect(notices.ofDynos('shop', [dyno('d1', 'crashed')], QUIET * 2)).toBeNull();
    expect(notices.ofDynos('shop', [dyno('d2', 'crashed')], 2)).toBeNull();
    expect(notices.ofDynos('blog', [dyno('d3', 'crashed')], 2)).not.toBeNull();
    expect(notices.ofDynos('shop', [dyno('d4', 'crashed')], QUIET + 1)).not.toBeNull();
  });
});
