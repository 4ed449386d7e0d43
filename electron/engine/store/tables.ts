import type { DatabaseSync, SQLInputValue, StatementSync } from 'node:sqlite';
import type * as z from 'zod';
import { openDatabase, transaction } from './database.ts';

/** Tables in one SQLite file, whose rows are checked as they are read. What was written is on disk when the call returns. */
export abstract class Tables {
  private readonly database: DatabaseSync;
  private readonly statements = new Map<string, StatementSync>();

  /** @throws SlipwayError `unavailable`, see `openDatabase` */
  constructor(path: string) {
    this.database = openDatabase(path);
  }

  close(): void {
    this.database.close();
  }

  /** Runs several changes as one. */
  atomically<Result>(work: () => Result): Result {
    return transaction(this.database, work);
  }

  /** Changes rows. */
  protected run(sql: string, values: readonly SQLInputValue[] = []): void {
    this.prepare(sql).run(...values);
  }

  /** Reads rows as they are. */
  protected rows(sql: string, values: readonly SQLInputValue[] = []): Record<string, unknown>[] {
    return this.prepare(sql).all(...values);
  }

  /** Reads rows and checks each. */
  protected all<Schema extends z.ZodType>(
    schema: Schema,
    sql: string,
    values: readonly SQLInputValue[] = [],
  ): z.output<Schema>[] {
    return this.rows(sql, values).map((row) => schema.parse(row));
  }

  /** Reads the first row and checks it; null when there is none. */
  protected get<Schema extends z.ZodType>(
    schema: Schema,
    sql: string,
    values: readonly SQLInputValue[] = [],
  ): z.output<Schema> | null {
    const row = this.prepare(sql).get(...values);
    return row === undefined ? null : schema.parse(row);
  }

  private prepare(sql: string): StatementSync {
    const found = this.statements.get(sql);
    if (found) return found;
    const statement = this.database.prepare(sql);
    this.statements.set(sql, statement);
    return statement;
  }
}
