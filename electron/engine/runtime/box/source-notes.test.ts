import { expect, test } from 'vitest';
import { boxPath, type FolderEntry, foldersToList, notesOf, planTakeOver } from './source-notes.ts';

const folder = (path: string, mode = '755'): FolderEntry => ({ kind: 'd', mode, state: '', path });
const file = (path: string, state = `state of ${path}`): FolderEntry => ({
  kind: 'f',
  mode: '644',
  state,
  path,
});
const marksOf = (...paths: string[]): Map<string, string> =>
  new Map(paths.map((path) => [path, `m:${path}`]));

const SOURCE = ['a', 'src/b', 'src/in/c', 'é\n/d'];
const TREE = [
  folder('.'),
  file('./a'),
  folder('./src'),
  file('./src/b'),
  folder('./src/in'),
  file('./src/in/c'),
  folder(boxPath('é\n')),
  file(boxPath('é\n/d')),
];
const NOTES = notesOf(TREE, marksOf(...SOURCE));

const plan = (entries: readonly FolderEntry[], marks = marksOf(...SOURCE)) =>
  planTakeOver(entries, marks, NOTES, '755');

test('an untouched source is taken as a whole; what the build made is not', () => {
  const made = [folder('./node_modules'), folder('./src/in/made'), file('./src/in/made/x'), file('./src/z')];
  expect(plan(TREE)).toEqual({ taken: SOURCE, others: [] });
  expect(plan([...made, ...TREE])).toEqual({
    taken: SOURCE,
    others: ['./node_modules', './src/in/made', './src/z'],
  });
});

test('only folders with something to take are listed, and nothing when there is none', () => {
  expect(foldersToList(marksOf(...SOURCE), NOTES)).toEqual(['./src', boxPath('é\n')]);
  expect(foldersToList(marksOf('a', 'new/file'), NOTES)).toEqual([]);
  expect(foldersToList(new Map(SOURCE.map((path) => [path, 'other'])), NOTES)).toBeNull();
  expect(foldersToList(marksOf(...SOURCE), new Map())).toBeNull();
});

test.each<[string, FolderEntry]>([
  ['another state', file('./src/in/c', 'other')],
  ['a link in its place', { kind: 'l', mode: '777', state: 'state of ./src/in/c', path: './src/in/c' }],
  ['a folder in its place', folder('./src/in/c')],
])('a file with %s is not taken', (_, entry) => {
  const entries = TREE.map((each) => (each.path === entry.path ? entry : each));
  expect(plan(entries)).toEqual({ taken: ['a', 'src/b', 'é\n/d'], others: ['./src/in'] });
});

test.each<[string, FolderEntry]>([
  ['of another mode', folder('./src', '700')],
  ['behind a link', { kind: 'l', mode: '777', state: '', path: './src' }],
])('nothing is taken from a folder %s', (_, entry) => {
  const entries = TREE.map((each) => (each.path === entry.path ? entry : each));
  expect(plan(entries)).toEqual({ taken: ['a', 'é\n/d'], others: ['./src'] });
});

test('nothing is taken when the folder itself has another mode', () => {
  expect(plan(TREE.map((each) => (each.path === '.' ? folder('.', '700') : each)))).toEqual({
    taken: [],
    others: [],
  });
});

test('a file without a mark, with another or with the beginning of one is not taken', () => {
  const marks = new Map([
    ['a', 'm:'],
    ['src/b', 'other'],
    ['é\n/d', 'm:é\n/d'],
  ]);
  expect(plan(TREE, marks)).toEqual({ taken: ['é\n/d'], others: ['./a', './src'] });
});
