import { KNOWN_SLUGS } from '../release/expiry.ts';
import { SHARED_PART } from '../runtime/runtime.ts';
import { ChecksumError } from '../slug/checksum.ts';
import type { KnownPart, SlugStore } from '../slug/slug-store.ts';
import type { SlugRow } from '../store/rows.ts';
import type { Store } from '../store/store.ts';

/** Other apps whose newest slug is looked at: the first build after a start reads them to know that they are whole. */
const OTHER_APPS = 8;

/**
 * Parts, by key, that an app's next slug may take over: those of its own newest slugs, and of other apps' what is told by its content,
 * such as the runtime of a language. What was damaged on the disk is none of them.
 */
export async function knownParts(
  store: Pick<Store, 'slugs' | 'slugsOfOthers'>,
  slugs: Pick<SlugStore, 'verify'>,
  appId: string,
): Promise<Map<string, KnownPart>> {
  const known = new Map<string, KnownPart>();
  const add = async ({ sha256, parts }: SlugRow, isWanted: (key: string) => boolean): Promise<void> => {
    const wanted = parts.filter(({ key }) => !known.has(key) && isWanted(key));
    if (wanted.length === 0 || !(await isWhole(slugs, sha256))) return;
    for (const part of wanted) known.set(part.key, { sha256, part });
  };
  for (const slug of store.slugs(appId).slice(0, KNOWN_SLUGS)) await add(slug, () => true);
  for (const slug of store.slugsOfOthers(appId, OTHER_APPS))
    await add(slug, (key) => key.startsWith(SHARED_PART));
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
