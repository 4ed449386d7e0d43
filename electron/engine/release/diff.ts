import type { ReleaseDiff } from '#shared/model/release-diff.ts';
import type { ReleaseRow, SlugRow } from '../store/rows.ts';

/** A release with its code; null before the first deploy. */
export interface ReleaseSide {
  readonly release: Pick<ReleaseRow, 'version' | 'config'>;
  readonly slug: Pick<SlugRow, 'sha256' | 'size' | 'processTypes' | 'commit' | 'language' | 'stack'> | null;
}

/** What differs between two releases of an app. Config vars appear by name, never by value. */
export function diffReleases(from: ReleaseSide, to: ReleaseSide): ReleaseDiff {
  const change = (pick: (slug: NonNullable<ReleaseSide['slug']>) => string | null) => ({
    from: from.slug === null ? null : pick(from.slug),
    to: to.slug === null ? null : pick(to.slug),
  });
  return {
    from: from.release.version,
    to: to.release.version,
    processTypes: changedTypes(from.slug?.processTypes ?? {}, to.slug?.processTypes ?? {}),
    config: diffConfig(from.release.config, to.release.config),
    slugBytes: { from: from.slug?.size ?? null, to: to.slug?.size ?? null },
    sameSlug: from.slug?.sha256 === to.slug?.sha256,
    commit: change((slug) => slug.commit),
    language: change((slug) => slug.language),
    stack: change((slug) => slug.stack),
  };
}

type Texts = Readonly<Record<string, string>>;

function changedTypes(from: Texts, to: Texts): ReleaseDiff['processTypes'] {
  const before = new Map(Object.entries(from));
  const after = new Map(Object.entries(to));
  return [...new Set([...after.keys(), ...before.keys()])]
    .map((type) => ({ type, from: before.get(type) ?? null, to: after.get(type) ?? null }))
    .filter((each) => each.from !== each.to);
}

function diffConfig(from: Texts, to: Texts): ReleaseDiff['config'] {
  const before = new Map(Object.entries(from));
  const after = new Map(Object.entries(to));
  const names = (map: ReadonlyMap<string, string>): string[] => [...map.keys()].sort();
  return {
    added: names(after).filter((name) => !before.has(name)),
    removed: names(before).filter((name) => !after.has(name)),
    changed: names(after).filter((name) => before.has(name) && before.get(name) !== after.get(name)),
  };
}
