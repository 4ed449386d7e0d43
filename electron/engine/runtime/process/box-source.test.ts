import {
  chmod,
  mkdir,
  mkdtemp,
  readdir,
  readFile,
  rename,
  rm,
  stat,
  symlink,
  writeFile,
} from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { dirname, join } from 'node:path';
import { afterAll, beforeAll, expect, test } from 'vitest';
import fc from 'fast-check';
import type { SourceNotes } from '../box/source-notes.ts';
import { noteSource, takeSource } from './box-source.ts';

let root: string;

beforeAll(async () => {
  root = await mkdtemp(join(tmpdir(), 'slipway-take-'));
});
afterAll(async () => {
  await rm(root, { recursive: true });
});

/** Content by path. */
type Tree = ReadonlyMap<string, string>;
const NAMES = ['a', 'a/x', 'a/y', 'a/deep/er/z', 'b', 'b/x', 'new\nline', 'é', '-rf'];

/** A tree in which no path is both a file and a folder; where two clash the first stays. */
const trees = fc
  .array(fc.tuple(fc.constantFrom(...NAMES), fc.constantFrom('one', 'one', 'two')), { maxLength: 8 })
  .map((pairs): Tree => {
    const tree = new Map<string, string>();
    for (const [path, content] of pairs) {
      const clash = [...tree.keys()].some(
        (each) => each.startsWith(`${path}/`) || path.startsWith(`${each}/`),
      );
      if (!clash) tree.set(path, content);
    }
    return tree;
  });

/** What a build does to its folder. */
const deeds = fc.array(
  fc.record({
    path: fc.constantFrom(...NAMES),
    deed: fc.constantFrom('write', 'remove', 'mode', 'link', 'swap' as const),
  }),
  { maxLength: 4 },
);

async function put(folder: string, tree: Tree): Promise<void> {
  for (const [path, content] of tree) {
    await mkdir(dirname(join(folder, path)), { recursive: true });
    await writeFile(join(folder, path), content, { flag: 'wx' });
  }
}

/** A deed that is not possible, as its place is taken by something else, is none. */
async function act(folder: string, path: string, deed: string): Promise<void> {
  const place = join(folder, path);
  try {
    if (deed === 'write') {
      await mkdir(dirname(place), { recursive: true });
      await writeFile(place, 'two');
    }
    if (deed === 'remove') await rm(place, { recursive: true });
    if (deed === 'mode') await chmod(place, 0o700);
    if (deed === 'link') await symlink('a', place);
    if (deed === 'swap') {
      await rename(place, `${place}.away`);
      await symlink(`${place}.away`, place);
    }
  } catch (error) {
    expect(error).toHaveProperty('syscall');
  }
}

async function treeOf(folder: string): Promise<Tree> {
  const entries = await readdir(folder, { recursive: true, withFileTypes: true });
  const tree = new Map<string, string>();
  for (const entry of entries) {
    const place = join(entry.parentPath, entry.name);
    const path = place.slice(folder.length + 1);
    if (entry.isFile()) tree.set(path, await readFile(place, 'utf8'));
    else if (!entry.isDirectory()) tree.set(path, 'not a file');
    else if (((await stat(place)).mode & 0o777) !== (0o777 & ~process.umask())) tree.set(path, 'a mode');
  }
  return tree;
}

test('whatever builds do to their folders, the next one begins with the source and nothing else', async () => {
  let run = 0;
  let takenOver = 0;
  await fc.assert(
    fc.asyncProperty(fc.array(fc.tuple(trees, deeds), { minLength: 2, maxLength: 4 }), async (rounds) => {
      const notes: SourceNotes = new Map();
      const place = join(root, String((run += 1)));
      const [buildDir, lastBuild] = [join(place, 'build'), join(place, 'last')];
      for (const [tree, done] of rounds) {
        await mkdir(buildDir, { recursive: true });
        const taken = await takeSource({ buildDir, lastBuild }, tree, notes, () => {
          throw new Error('nothing had to be cleared');
        });
        takenOver += taken.size;
        await put(buildDir, new Map([...tree].filter(([path]) => !taken.has(path))));
        await noteSource(buildDir, tree, notes);
        expect(await treeOf(buildDir)).toEqual(new Map([...tree].sort()));
        for (const { path, deed } of done) await act(buildDir, path, deed);
        await rm(lastBuild, { recursive: true, force: true });
        await rename(buildDir, lastBuild);
      }
    }),
    { numRuns: 60 },
  );
  expect(takenOver).toBeGreaterThan(0);
});
