import type { BoxChannel } from './box-channel.ts';
import { digestAll, listBuild, type Listing, treeState } from './box-listing.ts';
import { digestKey, type Entry, needsDigest, type PartPlan, partKey, planParts } from './slug-listing.ts';

/** So many files are read faster than they are asked for. */
const FEW = 300;

/** What is remembered of an app's last slug, so that what has not changed is not looked at again. */
export interface SlugMemory {
  /** Digests of files, by `digestKey`. */
  readonly digests: Map<string, string>;
  last: LastSlug | null;
}

interface LastSlug {
  readonly trees: readonly Tree[];
  /** Files outside of the trees. */
  readonly others: number;
}

/** A directory of which all is in parts of its own. */
interface Tree {
  readonly folder: string;
  /** See `treeState`. */
  readonly state: string;
  readonly modesAbove: string;
  readonly parts: readonly KeyedPart[];
}

/** A part of a slug. */
export interface KeyedPart {
  readonly folder: string;
  readonly key: string;
  /** Null for a part that is as it was and known. */
  readonly plan: PartPlan | null;
}

/** A memory of nothing. */
export const newSlugMemory = (): SlugMemory => ({ digests: new Map(), last: null });

/** Makes the next slug's files be read again. */
export function forgetSlug(memory: SlugMemory): void {
  memory.digests.clear();
  forgetTrees(memory);
}

/** Makes the next slug's files be looked at one by one. */
export function forgetTrees(memory: SlugMemory): void {
  memory.last = null;
}

/**
 * Splits BUILD_DIR into the parts of a slug, in their order.
 * @param known keys of parts that need not be made
 * @throws RuntimeError when a file cannot be read
 */
export async function planSlug(
  channel: BoxChannel,
  buildDir: string,
  known: ReadonlySet<string>,
  memory: SlugMemory,
): Promise<KeyedPart[]> {
  const { listing, kept } = await listSlug(channel, buildDir, known, memory);
  const digests = await digestAll(channel, buildDir, listing, memory.digests);
  const planned = planParts(listing.entries).map(
    (plan): KeyedPart => ({ folder: plan.folder, key: partKey(plan, digests), plan }),
  );
  const fresh = planned.slice(0, -1);
  const rest = planned.slice(-1);
  const inner = [...kept.flatMap(({ parts }) => parts), ...fresh];
  inner.sort((a, b) => (a.folder < b.folder ? -1 : 1));
  if (kept.length === 0) memory.digests.clear();
  for (const entry of listing.entries.filter(needsDigest))
    memory.digests.set(digestKey(entry), digests.get(entry.path) ?? '');
  const others = rest[0]?.plan?.entries ?? [];
  memory.last = { trees: [...kept, ...treesOf(fresh, others, listing)], others: others.length };
  return [...inner, ...rest];
}

/** Lists what may have changed. `kept` are the trees that have not. */
async function listSlug(
  channel: BoxChannel,
  buildDir: string,
  known: ReadonlySet<string>,
  { last }: SlugMemory,
): Promise<{ listing: Listing; kept: readonly Tree[] }> {
  const trees = last?.trees.filter(({ parts }) => parts.every(({ key }) => known.has(key))) ?? [];
  if (last !== null && trees.length > 0) {
    const states = new Map(trees.map(({ folder, state }) => [folder, state]));
    const listing = await listBuild(channel, buildDir, { trees: states, few: last.others <= FEW });
    const kept = trees.filter(({ folder }) => listing.unchanged.has(folder));
    if (kept.every(({ folder, modesAbove }) => modesAboveOf(folder, listing) === modesAbove))
      return { listing, kept };
  }
  return { listing: await listBuild(channel, buildDir, null), kept: [] };
}

function modesAboveOf(folder: string, { entries }: Listing): string {
  const paths = folder.split('/').map((_, at, names) => names.slice(0, at).join('/'));
  return entries
    .filter(({ path }) => paths.includes(path))
    .map(({ mode, path }) => `${mode} ${path}`)
    .sort()
    .join('\n');
}

/** Directories of parts in which nothing belongs to the last part; not those whose name `find` would take for a pattern. */
function treesOf(inner: readonly KeyedPart[], rest: readonly Entry[], listing: Listing): Tree[] {
  const tops = inner.filter(({ folder }) => !inner.some((other) => folder.startsWith(`${other.folder}/`)));
  return tops
    .filter(
      ({ folder }) => !/[*?[\\]/.test(folder) && !rest.some(({ path }) => path.startsWith(`${folder}/`)),
    )
    .map(({ folder }) => ({
      folder,
      state: treeState(folder, listing.entries),
      modesAbove: modesAboveOf(folder, listing),
      parts: inner
        .filter((part) => part.folder === folder || part.folder.startsWith(`${folder}/`))
        .map((part) => ({ ...part, plan: null })),
    }));
}
