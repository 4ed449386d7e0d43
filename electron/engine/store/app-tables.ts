import type { AppOptions } from '#shared/model/options.ts';
import { AppRow, DomainRow, FormationRow } from './rows.ts';
import { Tables } from './tables.ts';

/** Apps with what people set for them: options, buildpacks, domains and formation. */
export abstract class AppTables extends Tables {
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
}
