import type { CompiledSlug } from '../slug/compile-order.ts';
import { BuildFailure } from '../slug/failure.ts';
import { bang, detail, step } from '../slug/output-text.ts';
import type { AppRow, ReleaseRow, SlugRow } from '../store/rows.ts';

/** A compiled slug as the store keeps it. @param now milliseconds since the epoch */
export function newSlug(app: AppRow, compiled: CompiledSlug, now: number): SlugRow {
  return {
    id: compiled.id,
    appId: app.id,
    sha256: compiled.sha256,
    size: compiled.size,
    parts: [...compiled.parts],
    images: compiled.images === null ? null : imageRows(compiled.images),
    processTypes: { ...compiled.processTypes },
    stack: compiled.stack,
    language: compiled.language,
    commit: compiled.commit,
    createdAt: new Date(now).toISOString(),
  };
}

function imageRows(images: NonNullable<CompiledSlug['images']>): NonNullable<SlugRow['images']> {
  const rows = Object.entries(images).map(([type, image]) => [
    type,
    { ...image, arguments: image.arguments === null ? null : [...image.arguments] },
  ]);
  return Object.fromEntries(rows) as NonNullable<SlugRow['images']>;
}

/** What the build log says of a new release; with a release command its output follows (reference: heroku-platform 2.5). */
export function releaseText(release: ReleaseRow): string {
  const released = detail(`Released v${release.version}`);
  if (release.status !== 'pending') return `${step('Launching...')}${released}`;
  const declared =
    'Release command declared: this new release will not be available until the command succeeds.';
  return `${step('Launching...')}${bang(declared)}${released}Running release command....\n`;
}

/** A deploy whose release command did not succeed. @param reason end of a sentence about the release */
export function releaseFailure(version: number, reason: string, current: ReleaseRow): BuildFailure {
  const consequence =
    current.slugId === null ? 'The app has no code that runs yet' : `v${current.version} stays current`;
  return new BuildFailure(
    'release_failed',
    `v${version} is not deployed: ${reason}. ${consequence}; correct what the output above says and deploy again.`,
  );
}

/** What the build log says when a commit that was built before fails (reference: heroku-platform 2.5). */
export function sameSource(commit: string): string {
  const lines = [
    `## Warning - The same version of this code has already been built: ${commit}`,
    '',
    `We have detected that you have triggered a build from source code with version ${commit}`,
    'at least twice. One common cause of this behavior is attempting to deploy code from a different branch,',
    'or before a change was saved or committed.',
  ];
  return `\n${lines.map((line) => ` ! ${line}`.trimEnd()).join('\n')}\n`;
}
