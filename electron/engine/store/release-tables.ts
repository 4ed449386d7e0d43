import { AppTables } from './app-tables.ts';
import { ReleaseRow, SlugRow } from './rows.ts';

type NewRelease = Omit<ReleaseRow, 'version' | 'problem'>;

/** Slugs, and the releases that are made of them. */
export abstract class ReleaseTables extends AppTables {
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
}
