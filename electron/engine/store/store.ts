import type { DatabaseSync, SQLInputValue, StatementSync } from 'node:sqlite';
import type * as z from 'zod';
import type { AppOptions } from '#shared/model/options.ts';
import { openDatabase, transaction } from './database.ts';
import { AppRow, BuildRow, DomainRow, FormationRow, ReleaseRow, RunRow, SlugRow } from './rows.ts';

type NewRelease = Omit<ReleaseRow, 'version' | 'problem'>;
type BuildChange = Pick<
  BuildRow,
  'status' | 'phases' | 'release' | 'failure' | 'finishedAt' | 'sourceCommit'
>;

/** Everything the engine has to remember, in one SQLite file. What a method wrote is on disk when it returns. */
export class Store {
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

  // Apps

  insertApp(app: Omit<AppRow, 'options' | 'asleepSince' | 'detectedBuildpack'>): void {
    this.run('INSERT INTO apps (id, name, stack, folder, serving, created_at) VALUES (?, ?, ?, ?, ?, ?)', [
      app.id,
      app.name,
      app.stack,
      app.folder,
      app.serving,
      app.createdAt,
    ]);
  }

  /** All apps that are not being destroyed, by name. */
  apps(): AppRow[] {
    return this.all(AppRow, 'SELECT * FROM apps WHERE destroyed_at IS NULL ORDER BY name');
  }

  /** By name or id. */
  findApp(nameOrId: string): AppRow | null {
    return this.get(AppRow, 'SELECT * FROM apps WHERE destroyed_at IS NULL AND (name = ?1 OR id = ?1)', [
      nameOrId,
    ]);
  }

  /** From its next build on. */
  setStack(appId: string, stack: string): void {
    this.run('UPDATE apps SET stack = ? WHERE id = ?', [stack, appId]);
  }

  setFolder(appId: string, folder: string | null): void {
    this.run('UPDATE apps SET folder = ? WHERE id = ?', [folder, appId]);
  }

  setAppOptions(appId: string, options: AppOptions): void {
    const { deployOnSave, deployOrder, sleepAfterMinutes, dynoMetadata } = options;
    const { maintenance, sessionAffinity, dynoChoice, builder } = options;
    this.run(
      `UPDATE apps SET deploy_on_save = ?, deploy_order = ?, sleep_after = ?, dyno_metadata = ?,
       maintenance = ?, session_affinity = ?, dyno_choice = ?, builder = ? WHERE id = ?`,
      [
        ...[deployOnSave ? 1 : 0, deployOrder, sleepAfterMinutes, dynoMetadata ? 1 : 0],
        ...[maintenance ? 1 : 0, sessionAffinity ? 1 : 0, dynoChoice, builder, appId],
      ],
    );
  }

  /** @param since when it fell asleep, or null when it is awake */
  setAsleep(appId: string, since: string | null): void {
    this.run('UPDATE apps SET asleep_since = ? WHERE id = ?', [since, appId]);
  }

  setServing(appId: string, version: number): void {
    this.run('UPDATE apps SET serving = ? WHERE id = ?', [version, appId]);
  }

  /** From here on the app is gone for everyone; `deleteApp` follows once its traces are removed. Frees name and domains at once. */
  markDestroyed(appId: string, at: string): void {
    this.atomically(() => {
      this.run("UPDATE apps SET destroyed_at = ?, name = name || '~' || id WHERE id = ?", [at, appId]);
      this.run('DELETE FROM domains WHERE app_id = ?', [appId]);
    });
  }

  /** Ids of apps whose destruction began and did not end. */
  destroyedApps(): string[] {
    return this.rows('SELECT id FROM apps WHERE destroyed_at IS NOT NULL').map((row) => String(row['id']));
  }

  deleteApp(appId: string): void {
    this.atomically(() => {
      this.run('DELETE FROM releases WHERE app_id = ?', [appId]);
      this.run('DELETE FROM apps WHERE id = ?', [appId]);
    });
  }

  // Buildpacks

  /** The app's list, in order. */
  buildpacks(appId: string): string[] {
    const rows = this.rows('SELECT buildpack FROM buildpacks WHERE app_id = ? ORDER BY ordinal', [appId]);
    return rows.map((row) => String(row['buildpack']));
  }

  /** Puts a list in the place of the app's own; what a build found by itself counts no longer. */
  setBuildpacks(appId: string, buildpacks: readonly string[]): void {
    this.atomically(() => {
      this.run('DELETE FROM buildpacks WHERE app_id = ?', [appId]);
      for (const [ordinal, buildpack] of buildpacks.entries())
        this.run('INSERT INTO buildpacks (app_id, ordinal, buildpack) VALUES (?, ?, ?)', [
          ...[appId, ordinal, buildpack],
        ]);
      this.setDetectedBuildpack(appId, null);
    });
  }

  setDetectedBuildpack(appId: string, buildpack: string | null): void {
    this.run('UPDATE apps SET detected_buildpack = ? WHERE id = ?', [buildpack, appId]);
  }

  // Domains

  insertDomain(domain: DomainRow): void {
    this.run('INSERT INTO domains (id, app_id, hostname, created_at) VALUES (?, ?, ?, ?)', [
      ...[domain.id, domain.appId, domain.hostname, domain.createdAt],
    ]);
  }

  deleteDomain(id: string): void {
    this.run('DELETE FROM domains WHERE id = ?', [id]);
  }

  /** Of one app, by name. */
  domains(appId: string): DomainRow[] {
    return this.all(DomainRow, 'SELECT * FROM domains WHERE app_id = ? ORDER BY hostname', [appId]);
  }

  /** Of whichever app has it. */
  findDomain(hostname: string): DomainRow | null {
    return this.get(DomainRow, 'SELECT * FROM domains WHERE hostname = ?', [hostname]);
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

  // Slugs

  insertSlug(slug: SlugRow): void {
    this.run(
      `INSERT INTO slugs (id, app_id, sha256, size, parts, process_types, stack, language, source_commit, created_at, images)
       VALUES (?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?)`,
      [
        slug.id,
        slug.appId,
        slug.sha256,
        slug.size,
        JSON.stringify(slug.parts),
        JSON.stringify(slug.processTypes),
        slug.stack,
        slug.language,
        slug.commit,
        slug.createdAt,
        slug.images === null ? null : JSON.stringify(slug.images),
      ],
    );
  }

  findSlug(id: string): SlugRow | null {
    return this.get(SlugRow, 'SELECT * FROM slugs WHERE id = ?', [id]);
  }

  /** Slugs of one app that have not expired, newest first; without an app those of all, destroyed ones included. */
  slugs(appId: string | null = null): SlugRow[] {
    const sql =
      'SELECT * FROM slugs WHERE expired_at IS NULL AND (?1 IS NULL OR app_id = ?1) ORDER BY created_at DESC, rowid DESC';
    return this.all(SlugRow, sql, [appId]);
  }

  /** The newest slug of each other app, the newest of them first. */
  slugsOfOthers(appId: string, limit: number): SlugRow[] {
    const sql = `SELECT * FROM slugs WHERE app_id <> ?1 AND rowid IN
      (SELECT MAX(rowid) FROM slugs WHERE expired_at IS NULL GROUP BY app_id) ORDER BY rowid DESC LIMIT ?2`;
    return this.all(SlugRow, sql, [appId, limit]);
  }

  /** From here on the slug's archive may be gone; releases that have it are kept as expired ones. */
  expireSlug(id: string, at: string): void {
    this.run('UPDATE slugs SET expired_at = ? WHERE id = ?', [at, id]);
    this.run("UPDATE releases SET status = 'expired' WHERE slug_id = ?", [id]);
  }

  // Releases

  /** Notes why the dynos of a release do not come up; null once they did. */
  setReleaseProblem(appId: string, version: number, problem: string | null): void {
    this.run('UPDATE releases SET problem = ? WHERE app_id = ? AND version = ?', [problem, appId, version]);
  }

  /** Appends a release with the app's next version. To be called within `atomically` when other changes belong to it. */
  appendRelease(release: NewRelease): ReleaseRow {
    this.run(
      `INSERT INTO releases (id, app_id, version, description, status, slug_id, config, addons, user, created_at)
       VALUES (?1, ?2, (SELECT COALESCE(MAX(version), 0) + 1 FROM releases WHERE app_id = ?2), ?3, ?4, ?5, ?6, ?7, ?8, ?9)`,
      [
        release.id,
        release.appId,
        release.description,
        release.status,
        release.slugId,
        JSON.stringify(release.config),
        JSON.stringify(release.addons),
        release.user,
        release.createdAt,
      ],
    );
    const stored = this.get(ReleaseRow, 'SELECT * FROM releases WHERE id = ?', [release.id]);
    if (stored === null) throw new Error(`release ${release.id} vanished after its insert`);
    return stored;
  }

  findRelease(appId: string, version: number): ReleaseRow | null {
    return this.get(ReleaseRow, 'SELECT * FROM releases WHERE app_id = ? AND version = ?', [appId, version]);
  }

  /** The release that counts: the newest that succeeded. */
  currentRelease(appId: string): ReleaseRow | null {
    return this.get(
      ReleaseRow,
      "SELECT * FROM releases WHERE app_id = ? AND status = 'succeeded' ORDER BY version DESC LIMIT 1",
      [appId],
    );
  }

  /** Releases whose release command has not ended, of one app or of all. */
  pendingReleases(appId?: string): ReleaseRow[] {
    const pending = "SELECT * FROM releases WHERE status = 'pending'";
    return appId === undefined
      ? this.all(ReleaseRow, pending)
      : this.all(ReleaseRow, `${pending} AND app_id = ?`, [appId]);
  }

  /** Ends the wait of a pending release; any other stays as it is. */
  settleRelease(id: string, status: 'succeeded' | 'failed'): void {
    this.run("UPDATE releases SET status = ? WHERE id = ? AND status = 'pending'", [status, id]);
  }

  /** Version of the newest release, however it stands. */
  newestVersion(appId: string): number {
    const [row] = this.rows('SELECT MAX(version) AS newest FROM releases WHERE app_id = ?', [appId]);
    return Number(row?.['newest'] ?? 0);
  }

  /** Newest first. */
  releases(appId: string): ReleaseRow[] {
    return this.all(ReleaseRow, 'SELECT * FROM releases WHERE app_id = ? ORDER BY version DESC', [appId]);
  }

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

  // Formation

  /** Wanted dynos, by type. */
  formation(appId: string): FormationRow[] {
    return this.all(
      FormationRow,
      'SELECT type, quantity, size FROM formation WHERE app_id = ? ORDER BY type',
      [appId],
    );
  }

  setFormation(appId: string, entry: FormationRow): void {
    this.run(
      `INSERT INTO formation (app_id, type, quantity, size) VALUES (?, ?, ?, ?)
       ON CONFLICT (app_id, type) DO UPDATE SET quantity = excluded.quantity, size = excluded.size`,
      [appId, entry.type, entry.quantity, entry.size],
    );
  }

  private prepare(sql: string): StatementSync {
    const found = this.statements.get(sql);
    if (found) return found;
    const statement = this.database.prepare(sql);
    this.statements.set(sql, statement);
    return statement;
  }

  private run(sql: string, values: readonly SQLInputValue[] = []): void {
    this.prepare(sql).run(...values);
  }

  private rows(sql: string, values: readonly SQLInputValue[] = []): Record<string, unknown>[] {
    return this.prepare(sql).all(...values);
  }

  private all<Schema extends z.ZodType>(
    schema: Schema,
    sql: string,
    values: readonly SQLInputValue[] = [],
  ): z.output<Schema>[] {
    return this.rows(sql, values).map((row) => schema.parse(row));
  }

  private get<Schema extends z.ZodType>(
    schema: Schema,
    sql: string,
    values: readonly SQLInputValue[] = [],
  ): z.output<Schema> | null {
    const row = this.prepare(sql).get(...values);
    return row === undefined ? null : schema.parse(row);
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
