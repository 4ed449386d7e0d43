import { ReleaseTables } from './release-tables.ts';
import { BuildRow, RunRow } from './rows.ts';

type BuildChange = Pick<
  BuildRow,
  'status' | 'phases' | 'release' | 'failure' | 'finishedAt' | 'sourceCommit'
>;

/**
 * Everything the engine has to remember, in one SQLite file: builds, one-off dynos and its options here; apps, slugs and releases in the
 * tables that it extends.
 */
export class Store extends ReleaseTables {
  // Builds

  insertBuild(build: BuildRow): void {
    this.run(
      `INSERT INTO builds (id, app_id, status, phases, release, failure, source_commit, created_at, finished_at)
       VALUES (?, ?, ?, ?, ?, ?, ?, ?, ?)`,
      [build.id, build.appId, ...buildValues(build), build.createdAt, build.finishedAt],
    );
  }

  updateBuild(id: string, change: BuildChange): void {
    this.run(
      'UPDATE builds SET status = ?, phases = ?, release = ?, failure = ?, source_commit = ?, finished_at = ? WHERE id = ?',
      [...buildValues(change), change.finishedAt, id],
    );
  }

  findBuild(appId: string, id: string): BuildRow | null {
    return this.get(BuildRow, 'SELECT * FROM builds WHERE app_id = ? AND id = ?', [appId, id]);
  }

  /** Newest first. */
  builds(appId: string): BuildRow[] {
    return this.all(BuildRow, 'SELECT * FROM builds WHERE app_id = ? ORDER BY created_at DESC, rowid DESC', [
      appId,
    ]);
  }

  /** Builds that a former engine did not end. */
  unfinishedBuilds(): BuildRow[] {
    return this.all(BuildRow, 'SELECT * FROM builds WHERE finished_at IS NULL');
  }

  deleteBuild(id: string): void {
    this.run('DELETE FROM builds WHERE id = ?', [id]);
  }

  // One-off dynos without a terminal

  insertRun(run: RunRow): void {
    this.run('INSERT INTO runs (id, app_id, name, ends_at) VALUES (?, ?, ?, ?)', [
      ...[run.id, run.appId, run.name, run.endsAt],
    ]);
  }

  runs(): RunRow[] {
    return this.all(RunRow, 'SELECT * FROM runs');
  }

  deleteRun(id: string): void {
    this.run('DELETE FROM runs WHERE id = ?', [id]);
  }

  // Options

  /** Options of the engine that were set, by name. */
  options(): Record<string, unknown> {
    const rows = this.rows('SELECT name, value FROM options');
    return Object.fromEntries(
      rows.map(({ name, value }): [string, unknown] => [String(name), JSON.parse(String(value))]),
    );
  }

  setOption(name: string, value: unknown): void {
    this.run(
      'INSERT INTO options (name, value) VALUES (?, ?) ON CONFLICT (name) DO UPDATE SET value = excluded.value',
      [name, JSON.stringify(value)],
    );
  }
}

function buildValues(build: BuildChange): [string, string, number | null, string | null, string | null] {
  return [
    build.status,
    JSON.stringify(build.phases),
    build.release,
    build.failure === null ? null : JSON.stringify(build.failure),
    build.sourceCommit,
  ];
}
