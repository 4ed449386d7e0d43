import { mkdir, mkdtemp, rm, symlink, writeFile } from 'node:fs/promises';
import { homedir, tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterEach, beforeEach, describe, expect, it } from 'vitest';
import { expandHome, listFolders } from './folders.ts';

let home: string;
beforeEach(async () => {
  home = await mkdtemp(join(tmpdir(), 'slipway-folders-'));
  for (const name of ['Projects/b', 'Projects/a', 'projector', 'photos', '.hidden']) {
    await mkdir(join(home, name), { recursive: true });
  }
  await writeFile(join(home, 'profile.txt'), '');
  await symlink(join(home, 'Projects'), join(home, 'link'));
  await symlink(join(home, 'nowhere'), join(home, 'broken'));
});
afterEach(async () => {
  await rm(home, { recursive: true });
});

describe('listFolders', () => {
  it('begins at the home folder; no files, no hidden folders, links to folders too', async () => {
    const expected = { path: home, folders: ['link', 'photos', 'projector', 'Projects'] };
    for (const path of ['', '  ', '~', '~/', home, `${home}/`, '.'])
      expect([path, await listFolders(path, home)]).toEqual([path, expected]);
  });

  it('lists a folder, and completes a name that is none yet, in any case', async () => {
    expect(await listFolders('~/Projects', home)).toEqual({
      path: join(home, 'Projects'),
      folders: ['a', 'b'],
    });
    expect(await listFolders('~/PRO', home)).toEqual({ path: home, folders: ['projector', 'Projects'] });
    expect(await listFolders('Projects/a', home)).toEqual({ path: join(home, 'Projects', 'a'), folders: [] });
  });

  it('has nothing below what is missing or a file', async () => {
    expect((await listFolders('~/x/y', home)).folders).toEqual([]);
    expect((await listFolders(join(home, 'profile.txt'), home)).folders).toEqual([]);
    expect((await listFolders('a\0b', home)).folders).toEqual([]);
  });

  it('lists at most 200', async () => {
    await Promise.all(Array.from({ length: 230 }, (_, at) => mkdir(join(home, 'photos', `f${at + 1000}`))));
    const { folders } = await listFolders('~/photos', home);
    expect([folders.length, folders[0], folders.at(-1)]).toEqual([200, 'f1000', 'f1199']);
  });
});

it('expandHome understands ~ in front only, and nobody else’s home', () => {
  expect(expandHome('~')).toBe(homedir());
  expect(expandHome('~/a b')).toBe(join(homedir(), 'a b'));
  for (const path of ['/a/~', '~ann/x', 'a/~/b', '']) expect(expandHome(path)).toBe(path);
});
