import ignore, { type Ignore } from 'ignore';
import type { FolderFile } from './tar-blob.ts';

/** A folder's contents as the browser hands them out. */
export interface FolderContents {
  readonly name: string;
  readonly files: readonly FolderFile[];
}

/** Most files that are taken. */
const MAX_FILES = 100_000;

/**
 * Reads a dropped folder. `.git` and what `.gitignore` files name is left out, as a deploy of a work tree does.
 * @throws Error in plain words when it is no folder or too large
 */
export async function readDroppedFolder(transfer: DataTransfer): Promise<FolderContents> {
  const entries = [...transfer.items]
    .map((item) => item.webkitGetAsEntry())
    .filter((entry) => entry !== null);
  const [folder] = entries;
  if (folder === undefined) throw new Error('This is no folder. Drag a project folder here.');
  if (entries.length > 1) throw new Error('These are several things. Drag one project folder here.');
  if (!folder.isDirectory) throw new Error(`${folder.name} is a file. Drag the folder of the project here.`);
  const files: FolderFile[] = [];
  await walk(folder as FileSystemDirectoryEntry, '', [], files);
  return { name: folder.name, files };
}

/** The contents of a folder that was picked with a file field. */
export async function readPickedFolder(list: FileList): Promise<FolderContents> {
  const files = [...list].map((file) => {
    const [, ...rest] = file.webkitRelativePath.split('/');
    return { path: rest.join('/'), file };
  });
  const name = list[0]?.webkitRelativePath.split('/')[0] ?? 'app';
  const rules: Rule[] = [];
  for (const { path, file } of files) {
    if (!/(^|\/)\.gitignore$/.test(path)) continue;
    rules.push({ folder: path.slice(0, -'.gitignore'.length), test: ignore().add(await file.text()) });
  }
  return { name, files: files.filter(({ path }) => !isIgnored(path, rules)) };
}

interface Rule {
  /** Folder of the `.gitignore`, empty or with `/` at its end. */
  readonly folder: string;
  readonly test: Ignore;
}

function isIgnored(path: string, rules: readonly Rule[]): boolean {
  if (/(^|\/)\.git(\/|$)/.test(path)) return true;
  return rules.some(
    ({ folder, test }) =>
      path.startsWith(folder) && path !== folder && test.ignores(path.slice(folder.length)),
  );
}

async function walk(
  folder: FileSystemDirectoryEntry,
  path: string,
  rules: readonly Rule[],
  files: FolderFile[],
): Promise<void> {
  const entries = await readEntries(folder);
  const own = entries.find((entry) => entry.isFile && entry.name === '.gitignore');
  const all =
    own === undefined
      ? rules
      : [
          ...rules,
          { folder: path, test: ignore().add(await (await fileOf(own as FileSystemFileEntry)).text()) },
        ];
  for (const entry of entries) {
    const name = path + entry.name;
    if (isIgnored(entry.isDirectory ? `${name}/` : name, all)) continue;
    if (entry.isDirectory) await walk(entry as FileSystemDirectoryEntry, `${name}/`, all, files);
    else files.push({ path: name, file: await fileOf(entry as FileSystemFileEntry) });
    if (files.length > MAX_FILES) {
      throw new Error(
        `The folder has over ${MAX_FILES.toLocaleString('en')} files. List what is not needed in .gitignore.`,
      );
    }
  }
}

/** The browser hands entries out a hundred at a time. */
async function readEntries(folder: FileSystemDirectoryEntry): Promise<FileSystemEntry[]> {
  const reader = folder.createReader();
  const entries: FileSystemEntry[] = [];
  for (;;) {
    const some = await new Promise<FileSystemEntry[]>((resolve, reject) => {
      reader.readEntries(resolve, reject);
    });
    if (some.length === 0) return entries;
    entries.push(...some);
  }
}

function fileOf(entry: FileSystemFileEntry): Promise<File> {
  return new Promise((resolve, reject) => {
    entry.file(resolve, reject);
  });
}
