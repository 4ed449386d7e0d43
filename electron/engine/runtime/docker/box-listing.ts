import { createHash } from 'node:crypto';
import { quote } from '../box/tools.ts';
import { RuntimeError } from '../runtime.ts';
import type { BoxChannel } from './box-channel.ts';
import {
  digestKey,
  type Entry,
  needsDigest,
  parseListing,
  PRINT_ENTRIES,
  printEntry,
} from './slug-listing.ts';

/** Where names of files lie that are digested; not on the disk. */
const NAMES = '/dev/shm/slipway-digested';
/** See `BuildBox.keptList`. */
export const KEPT_LIST = '/dev/shm/slipway-kept';
/** Larger files are digested only when they need it, as that takes a command of its own. */
const SMALL_KIB = 1024;
/** So many names surely fit into one command. */
const ONE_COMMAND = 400;
/** Identity of a directory that is listed without what is in it. */
const UNCHANGED = '=';

/** BUILD_DIR as it is. */
export interface Listing {
  readonly entries: readonly Entry[];
  /** Trees of those asked for that are as they were, by path; they are not among the entries. */
  readonly unchanged: ReadonlyMap<string, Entry>;
  /** Digests of some files by path. */
  readonly digests: ReadonlyMap<string, string>;
}

/** What need not be listed: directories by path, with the `treeState` that they had. */
export interface Expected {
  readonly trees: ReadonlyMap<string, string>;
  /** Whether the files outside of them are few: then these are digested at once. */
  readonly few: boolean;
}

/**
 * Lists BUILD_DIR.
 * @throws RuntimeError when it cannot be read
 */
export async function listBuild(
  channel: BoxChannel,
  buildDir: string,
  expected: Expected | null,
): Promise<Listing> {
  const script = expected === null ? `find . -mindepth 1 ${PRINT_ENTRIES}` : listChanges(expected);
  const output = await collect(channel, `cd ${quote(buildDir)} || exit; ${script}`);
  if (expected === null) return { entries: parseListing(output), unchanged: new Map(), digests: new Map() };
  const border = output[0] === 0 ? 0 : output.indexOf('\0\0') + 1;
  const records = parseListing(output.subarray(0, border));
  const unchanged = records.filter(({ identity }) => identity === UNCHANGED);
  return {
    entries: records.filter(({ identity }) => identity !== UNCHANGED),
    unchanged: new Map(unchanged.map((entry) => [entry.path, entry])),
    digests: readDigests(output.subarray(border + 1)),
  };
}

/** Names the state of a directory and of all in it: equal only when nothing in it was changed. `entries` are as they were listed. */
export function treeState(folder: string, entries: readonly Entry[]): string {
  const inside = `${folder}/`;
  const hash = createHash('sha256');
  for (const entry of entries)
    if (entry.path === folder || entry.path.startsWith(inside)) hash.update(printEntry(entry), 'latin1');
  return hash.digest('hex');
}

/** Behind the entries and an empty record come the digests. Trees are checked side by side; programs are few, as each costs a millisecond. */
function listChanges({ trees, few }: Expected): string {
  const digested = `-type f -size -${String(SMALL_KIB)}k -fprint0 ${NAMES} -false -o`;
  return `set -o pipefail; trees=(${[...trees.keys()].map(quote).join(' ')}) states=(${[...trees.values()].join(' ')})
same=(-false) checks=() kept=
: > ${NAMES}
IFS= read -r -d '' kept < ${KEPT_LIST}
is_same() {
  local state
  state=$(find "$1" ${PRINT_ENTRIES} | sha256sum) && [ "\${state:0:64}" = "$2" ]
}
for at in "\${!trees[@]}"; do
  tree=\${trees[at]}
  if [ ! -d "$tree" ] || [ -L "$tree" ]; then continue; fi
  if [[ $'\\n'$kept == *$'\\n'"\${tree#./}"$'\\n'* ]]; then same+=(-o -path "$tree"); continue; fi
  is_same "$tree" "\${states[at]}" &
  checks[at]=$!
done
for at in "\${!checks[@]}"; do wait "\${checks[at]}" && same+=(-o -path "\${trees[at]}"); done
find . -mindepth 1 \\( "\${same[@]}" \\) -prune -printf 'd %m 0 0 ${UNCHANGED} %p//\\0' -o \\( ${few ? digested : ''} ${PRINT_ENTRIES} \\) || exit
printf '\\0'
mapfile -d '' -t names < ${NAMES}
(( \${#names[@]} <= ${String(ONE_COMMAND)} )) || exec xargs -0 -a ${NAMES} sha256sum -z --
(( \${#names[@]} == 0 )) || exec sha256sum -z -- "\${names[@]}"`;
}

/**
 * Digests by path of all files that need one.
 * @param memory digests of earlier listings, by `digestKey`
 * @throws RuntimeError when a file cannot be read or changes meanwhile
 */
export async function digestAll(
  channel: BoxChannel,
  buildDir: string,
  { entries, digests: known }: Listing,
  memory: ReadonlyMap<string, string>,
): Promise<Map<string, string>> {
  const digests = new Map<string, string>();
  const missing: Entry[] = [];
  for (const entry of entries.filter(needsDigest)) {
    const value = known.get(entry.path) ?? memory.get(digestKey(entry));
    if (value === undefined) missing.push(entry);
    else digests.set(entry.path, value);
  }
  if (missing.length === 0) return digests;
  const script = `cd ${quote(buildDir)} || exit; set -o pipefail; frames | xargs -0 -r sha256sum -z --`;
  for (const [path, value] of readDigests(await collect(channel, script, names(missing))))
    digests.set(path, value);
  const lost = missing.find(({ path }) => !digests.has(path));
  if (lost) throw new RuntimeError('failed', `${lost.path} changed while the slug was packed. Deploy again.`);
  return digests;
}

/** Names of entries as a script reads them. */
export function* names(entries: readonly Entry[]): Iterable<Buffer> {
  yield Buffer.from(entries.map((entry) => `${entry.path}\0`).join(''), 'latin1');
}

function readDigests(output: Buffer): Map<string, string> {
  const lines = output.toString('latin1').split('\0').slice(0, -1);
  return new Map(lines.map((line) => [line.slice(66), line.slice(0, 64)]));
}

/** Runs a script of packing to its end. @returns what it printed @throws RuntimeError when it fails */
export async function collect(
  channel: BoxChannel,
  script: string,
  input?: Iterable<Buffer>,
): Promise<Buffer> {
  const chunks: Buffer[] = [];
  const onOutput = (bytes: Buffer): void => {
    chunks.push(bytes);
  };
  const code = await channel.command({ kind: 'do', script, onOutput, ...(input ? { input } : {}) });
  if (code !== 0) throw packError(channel, code);
  return Buffer.concat(chunks);
}

/** What went wrong when a script of packing ended with an exit code. */
export function packError(channel: BoxChannel, code: number): RuntimeError {
  const complaint = channel.complaint();
  const full = /no space left/i.test(complaint);
  const advice = full
    ? 'Free some disk space and deploy again.'
    : 'Make sure that the build leaves readable files and deploy again.';
  const text = `The slug could not be packed: code ${String(code)}${complaint}. ${advice}`;
  return new RuntimeError(full ? 'disk_full' : 'failed', text);
}
