import {
  type FolderEntry,
  foldersToList,
  notesOf,
  planTakeOver,
  SETTLE_MS,
  type SourceNotes,
} from '../box/source-notes.ts';
import { quote } from '../box/tools.ts';
import { RuntimeError } from '../runtime.ts';
import type { BoxChannel } from './box-channel.ts';
import { digestKey, parseListing, PRINT_ENTRIES } from './slug-listing.ts';

/** Where buildpacks find the app's last build folder, to move what has not changed out of it. */
export const LAST_BUILD = '/tmp/cache/.last-build';
/** Where names lie that a script reads; not on the disk. */
const NAMES = '/dev/shm/slipway-names';
/** Mode of folders that the box makes, by its umask. */
const FOLDER_MODE = '755';
/** Exit code when nothing could be taken over, and BUILD_DIR is empty. */
const NOTHING = 46;

/** Prints entries for `entriesOf`, also those that no slug can hold. */
const PRINT_ALL = PRINT_ENTRIES.replace(/ \\\)$/, String.raw` -o -printf 's 0 0 0 0 %p//\0' \)`);

/** Prints the last build folder: what is directly in it, and all that is in the folders of which it reads the names. */
const LIST_LAST = `frames > ${NAMES} || exit
cd ${LAST_BUILD} 2> /dev/null || exit 0
folders=()
while IFS= read -r -d '' folder; do
  [ ! -d "$folder" ] || [ -L "$folder" ] || folders+=("$folder")
done < ${NAMES}
find . -maxdepth 1 ${PRINT_ALL} || exit
(( \${#folders[@]} == 0 )) || find "\${folders[@]}" -mindepth 1 ${PRINT_ALL}`;

/** Moves what it reads the names of from one folder to the same place in another. */
const MOVE = String.raw`
use strict;
my ($from, $to) = @ARGV;
my %made = ("." => 1);
$/ = "\0";
while (my $path = <STDIN>) {
  chomp $path;
  my ($folder, @above) = ($path);
  while ($folder =~ s{/[^/]*$}{} && !$made{$folder}++) { unshift @above, $folder }
  for (@above) { mkdir "$to/$_" or die "$_: $!" }
  next if rename "$from/$path", "$to/$path";
  # Only who may write into a folder may move it.
  die "$path: $!" if -l "$from/$path" or not -d _;
  my $mode = (lstat _)[2] & 07777;
  chmod $mode | 0700, "$from/$path";
  rename "$from/$path", "$to/$path" or die "$path: $!";
  chmod $mode, "$to/$path";
}`;

/**
 * Makes the last build folder the new one, without what is not the source as it is now; that stays behind for buildpacks.
 * See `BuildBox.takeSource`. Nothing is copied, and files keep what names their content (see `PRINT_ENTRIES`).
 */
export async function takeSource(
  channel: BoxChannel,
  buildDir: string,
  marks: ReadonlyMap<string, string>,
  notes: SourceNotes,
): Promise<ReadonlySet<string>> {
  const nothing = new Set<string>();
  const folders = foldersToList(marks, notes);
  if (folders === null) return nothing;
  const listing = await ask(channel, LIST_LAST, folders);
  if (listing.code !== 0) return nothing;
  const { taken, others } = planTakeOver(entriesOf(listing.output), marks, notes, FOLDER_MODE);
  if (taken.length === 0) return nothing;
  const dir = quote(buildDir);
  const script = `frames > ${NAMES} && rmdir ${dir} && mv ${LAST_BUILD} ${dir} && mkdir ${LAST_BUILD} \\
  && perl -e ${quote(MOVE)} ${dir} ${LAST_BUILD} < ${NAMES} && exit
chmod -R u+rwX ${dir} ${LAST_BUILD}
rm -rf ${dir} && mkdir ${dir} && exit ${String(NOTHING)}`;
  const { code } = await ask(channel, script, others);
  if (code === NOTHING) return nothing;
  if (code === 0) return new Set(taken);
  throw new RuntimeError(
    'failed',
    `What the last build has of the source could not be taken over${channel.complaint()}. Deploy again.`,
  );
}

/** See `BuildBox.noteSource`. Where it does not work nothing is noted. */
export async function noteSource(
  channel: BoxChannel,
  buildDir: string,
  marks: ReadonlyMap<string, string>,
  notes: SourceNotes,
): Promise<void> {
  const script = `sleep ${String(SETTLE_MS / 1000)}; cd ${quote(buildDir)} && find . -type f ${PRINT_ENTRIES}`;
  const { code, output } = await ask(channel, script);
  notes.clear();
  if (code !== 0) return;
  for (const [path, note] of notesOf(entriesOf(output), marks)) notes.set(path, note);
}

function entriesOf(listing: Buffer): FolderEntry[] {
  return parseListing(listing).map((entry) => ({ ...entry, state: digestKey(entry) }));
}

/** Runs a script, with names for its `frames`. */
async function ask(
  channel: BoxChannel,
  script: string,
  names?: readonly string[],
): Promise<{ code: number; output: Buffer }> {
  const chunks: Buffer[] = [];
  const onOutput = (bytes: Buffer): void => {
    chunks.push(bytes);
  };
  const input = names && [Buffer.from(names.map((name) => `${name}\0`).join(''), 'latin1')];
  const code = await channel.command({ kind: 'do', script, onOutput, ...(input ? { input } : {}) });
  return { code, output: Buffer.concat(chunks) };
}
