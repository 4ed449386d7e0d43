import { mkdtemp, rm } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { expect, it } from 'vitest';
import { isDiskFull } from '#shared/errors.ts';
import { openDatabase, transaction } from './database.ts';

it('tells a full disk as such, keeps what was there, and goes on when there is room', async () => {
  const folder = await mkdtemp(join(tmpdir(), 'slipway-database-'));
  const database = openDatabase(join(folder, 'slipway.db'));
  database.exec('CREATE TABLE notes (text TEXT)');
  database.exec("INSERT INTO notes VALUES ('first')");
  const pages = Number(database.prepare('PRAGMA page_count').get()?.['page_count']);
  database.exec(`PRAGMA max_page_count = ${pages + 2}`);
  const add = (bytes: number): void => {
    transaction(database, () => database.prepare('INSERT INTO notes VALUES (?)').run('x'.repeat(bytes)));
  };
  let problem: unknown = null;
  try {
    add(1_000_000);
  } catch (error) {
    problem = error;
  }
  expect([isDiskFull(problem), isDiskFull(new Error('another'))]).toEqual([true, false]);
  expect(database.prepare('SELECT text FROM notes').all()).toMatchObject([{ text: 'first' }]);
  database.exec('PRAGMA max_page_count = 100000');
  add(1_000_000);
  expect(database.prepare('SELECT count(*) AS count FROM notes').get()).toMatchObject({ count: 2 });
  database.close();
  await rm(folder, { recursive: true });
});
