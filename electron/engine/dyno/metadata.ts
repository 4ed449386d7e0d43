import { describeDeploy } from '../release/ledger.ts';
import type { ReleaseRow, SlugRow } from '../store/rows.ts';

/** What a dyno may be told of itself. */
export interface DynoFacts {
  readonly appId: string;
  readonly appName: string;
  readonly dynoId: string;
  readonly release: ReleaseRow;
  readonly slug: Pick<SlugRow, 'commit' | 'sha256' | 'images'>;
}

/** Variables of the platform's features `runtime-dyno-metadata` and `runtime-dyno-build-metadata` (reference: heroku-platform 3.7). */
export function dynoMetadata({ appId, appName, dynoId, release, slug }: DynoFacts): Record<string, string> {
  const description = describeDeploy(slug);
  const commit =
    slug.commit === null ? {} : { HEROKU_SLUG_COMMIT: slug.commit, HEROKU_BUILD_COMMIT: slug.commit };
  return {
    HEROKU_APP_ID: appId,
    HEROKU_APP_NAME: appName,
    HEROKU_APP_DEFAULT_DOMAIN_NAME: `${appName}.localhost`,
    HEROKU_DYNO_ID: dynoId,
    HEROKU_RELEASE_CREATED_AT: release.createdAt.replace(/\.\d+Z$/, 'Z'),
    HEROKU_RELEASE_VERSION: `v${release.version}`,
    ...commit,
    HEROKU_SLUG_DESCRIPTION: description,
    HEROKU_BUILD_DESCRIPTION: description,
  };
}
