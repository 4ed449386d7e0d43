import { KNOWN_SLUGS } from '../release/expiry.ts';
import { ChecksumError } from '../slug/checksum.ts';
import type { KnownPart, SlugStore } from '../slug/slug-store.ts';
import type { Store } from '../store/store.ts';

/** Parts of the app's newest slugs, by key, that its next slug may take over. What was damaged on the disk is none of them. */
export async function knownParts(
  store: Store,
  slugs: Pick<SlugStore, 'verify'>,
  appId: string,
): Promise<Map<string, KnownPart>> {
  const known = new Map<string, KnownPart>();
  for (const slug of store.slugs(appId).slice(0, KNOWN_SLUGS)) {
    if (slug.parts.every((part) => known.has(part.key)) || !(await isWhole(slugs, slug.sha256))) continue;
    for (const part of slug.parts)
      if (!known.has(part.key)) known.set(part.key, { sha256: slug.sha256, part });
  }
  return known;
}

async function isWhole(slugs: Pick<SlugStore, 'verify'>, sha256: string): Promise<boolean> {
  try {
    await slugs.verify(sha256);
    return true;
  } catch (error) {
    if (error instanceof ChecksumError) return false;
    throw error;
  }
}
