import { DatabaseSync } from 'node:sqlite';
import { SlipwayError } from '#shared/errors.ts';
import { MIGRATIONS } from './migrations.ts';

/**
 * Opens the engine's database, alone: a second engine on the same file is refused, and the lock goes with
 * the process, however it ends. Every commit is on disk when it returns (WAL, synchronous FULL).
 * @throws SlipwayError `unavailable` when the file is in use, newer than this program, or not a database
 */
export function openDatabase(path: string): DatabaseSync {
  let database: DatabaseSync | null = null;
  try {
    database = new DatabaseSync(path, { timeout: 500 });
    database.exec('PRAGMA locking_mode = EXCLUSIVE');
    database.exec('PRAGMA journal_mode = WAL');
    database.exec('PRAGMA synchronous = FULL');
    database.exec('PRAGMA foreign_keys = ON');
    database.exec('BEGIN IMMEDIATE; COMMIT');
    migrate(database, path);
    return database;
  } catch (error) {
    database?.close();
    if (error instanceof SlipwayError) throw error;
    const reason = error instanceof Error ? error.message : String(error);
    const advice = /locked|busy/i.test(reason)
      ? 'another Slipway uses this data folder: stop it, or set SLIPWAY_HOME to another folder'
      : `${reason}; set SLIPWAY_HOME to another folder or restore the file from a backup`;
    throw new SlipwayError('unavailable', `The database ${path} cannot be opened: ${advice}.`, {
      cause: error,
    });
  }
}

function migrate(database: DatabaseSync, path: string): void {
  const row = database.prepare('PRAGMA user_version').get();
  const found = Number(row?.['user_version'] ?? 0);
  if (found > MIGRATIONS.length) {
    throw new SlipwayError(
      'unavailable',
      `The database ${path} was written by a newer Slipway (schema ${found}, this one knows ${MIGRATIONS.length}). Use the newer version.`,
    );
  }
  for (const [index, sql] of MIGRATIONS.entries()) {
    if (index < found) continue;
    transaction(database, () => {
      database.exec(sql);
      database.exec(`PRAGMA user_version = ${index + 1}`);
    });
  }
}

/** Runs `work` as one transaction: all of it is kept, or nothing. Not to be nested. */
export function transaction<Result>(database: DatabaseSync, work: () => Result): Result {
  database.exec('BEGIN IMMEDIATE');
  try {
    const result = work();
    database.exec('COMMIT');
    return result;
  } catch (error) {
    // A full disk may have ended the transaction already.
    if (database.isTransaction) database.exec('ROLLBACK');
    throw error;
  }
}
