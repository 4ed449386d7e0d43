import type { Build } from '#shared/model/build.ts';
import type { Release, Slug } from '#shared/model/release.ts';
import type { ReleaseLedger } from '../release/ledger.ts';
import type { BuildRow, ReleaseRow, SlugRow } from '../store/rows.ts';
import type { Store } from '../store/store.ts';

/** A release as the contract shows it: config by name only. */
export function releaseView(store: Store, ledger: ReleaseLedger, release: ReleaseRow): Release {
  const slug = release.slugId === null ? null : store.findSlug(release.slugId);
  const current = ledger.current(release.appId).version === release.version;
  return {
    id: release.id,
    version: release.version,
    description: release.description,
    status: release.status,
    current,
    slug: slug === null ? null : slugView(slug),
    configNames: Object.keys(release.config).sort(),
    addons: release.addons,
    user: release.user,
    createdAt: release.createdAt,
    problem: release.problem,
    eligibleForRollback: !current && ledger.eligibleForRollback(release),
  };
}

function slugView(slug: SlugRow): Slug {
  return {
    id: slug.id,
    sha256: slug.sha256,
    size: slug.size,
    processTypes: slug.processTypes,
    stack: slug.stack,
    language: slug.language,
    commit: slug.commit,
    createdAt: slug.createdAt,
  };
}

/** A build as the contract shows it. */
export function buildView(app: string, build: BuildRow): Build {
  return {
    id: build.id,
    app,
    status: build.status,
    phases: build.phases,
    release: build.release,
    failure: build.failure,
    createdAt: build.createdAt,
    finishedAt: build.finishedAt,
  };
}
