/**
 * What a build box has of an app's source, by path as the box has it (see `boxPath`): the mark that the engine gave for a file, and
 * the state in which the file was there. A file of the last build folder that still is in that state has the content that the mark
 * stands for, whatever happened in between: nobody can set the time at which an inode was last changed.
 */
export type SourceNotes = Map<string, string>;

/** An entry of a build folder, as far as it matters for what may be taken over. */
export interface FolderEntry {
  /** `f` file, `d` folder; everything else is never taken over. */
  readonly kind: string;
  /** Permission bits, octal. */
  readonly mode: string;
  /** Changes whenever the file does: its inode, the time of the inode's last change, size and time. */
  readonly state: string;
  /** Starts with `./`, or is `.`; bytes as latin1. */
  readonly path: string;
}

/** What becomes of the last build folder. */
export interface TakeOver {
  /** Files that stay, as the source names them. */
  readonly taken: readonly string[];
  /** The outermost entries that do not, as the box names them. */
  readonly others: readonly string[];
}

/**
 * How long after a source was brought its files are listed, in milliseconds: more than a tick of the clock that file systems take their times
 * from (10 ms where it is slowest). So a change after the listing always gives a file another time.
 */
export const SETTLE_MS = 20;

/** A path of the source as the box has it. */
export function boxPath(path: string): string {
  return `./${Buffer.from(path).toString('latin1')}`;
}

const note = (mark: string, state: string): string => `${mark} ${state}`;

/** Files that were noted with the mark that they still have. */
function unchanged(marks: ReadonlyMap<string, string>, notes: SourceNotes): [path: string, source: string][] {
  return [...marks]
    .map(([path, mark]): [string, string, string] => [boxPath(path), path, mark])
    .filter(([path, , mark]) => notes.get(path)?.startsWith(note(mark, '')) === true)
    .map(([path, source]) => [path, source]);
}

/** Those folders at the top of the source that have files to take over, or null when there is none at all. */
export function foldersToList(marks: ReadonlyMap<string, string>, notes: SourceNotes): string[] | null {
  const paths = unchanged(marks, notes).map(([path]) => path);
  if (paths.length === 0) return null;
  const inner = paths.filter((path) => path.includes('/', 2));
  return [...new Set(inner.map((path) => path.slice(0, path.indexOf('/', 2))))];
}

/**
 * Decides what of the last build folder is the source as it is now.
 * @param entries the folder itself, all that is directly in it, and all that is in `foldersToList`
 * @param folderMode permission bits that a new folder gets, octal; one with others is not taken over
 */
export function planTakeOver(
  entries: readonly FolderEntry[],
  marks: ReadonlyMap<string, string>,
  notes: SourceNotes,
  folderMode: string,
): TakeOver {
  const sources = new Map(unchanged(marks, notes));
  const sorted = [...entries].sort((a, b) => (a.path < b.path ? -1 : 1));
  const sound = new Set<string>();
  const kept = new Set<string>();
  const taken: string[] = [];
  for (const { kind, mode, path, state } of sorted) {
    if (path !== '.' && !sound.has(parentOf(path))) continue;
    if (kind === 'd' && mode === folderMode) sound.add(path);
    const source = sources.get(path);
    if (kind !== 'f' || source === undefined) continue;
    if (notes.get(path) !== note(marks.get(source) ?? '', state)) continue;
    taken.push(source);
    for (let each = path; !kept.has(each); each = parentOf(each)) kept.add(each);
  }
  const others = sorted.filter(({ path }) => !kept.has(path) && kept.has(parentOf(path)));
  return { taken, others: others.map(({ path }) => path) };
}

/** What to note of a build folder that holds nothing but the source. */
export function notesOf(entries: readonly FolderEntry[], marks: ReadonlyMap<string, string>): SourceNotes {
  const byPath = new Map([...marks].map(([path, mark]) => [boxPath(path), mark]));
  const notes: SourceNotes = new Map();
  for (const { kind, path, state } of entries) {
    const mark = byPath.get(path);
    if (kind === 'f' && mark !== undefined) notes.set(path, note(mark, state));
  }
  return notes;
}

/** The folder that a path is in; that of `.` is itself. */
function parentOf(path: string): string {
  return path.slice(0, Math.max(path.lastIndexOf('/'), 1));
}
