/**
 * Schema of the database, one step for each version; a step that was released is never changed.
 * Releases are append-only: only their status may change, and they go only together with their app.
 */
export const MIGRATIONS: readonly string[] = [
  `
  CREATE TABLE apps (
    id TEXT PRIMARY KEY,
    name TEXT NOT NULL UNIQUE,
    stack TEXT NOT NULL,
    folder TEXT,
    serving INTEGER,
    created_at TEXT NOT NULL,
    destroyed_at TEXT
  ) STRICT;

  CREATE TABLE slugs (
    id TEXT PRIMARY KEY,
    app_id TEXT NOT NULL REFERENCES apps(id) ON DELETE CASCADE,
    sha256 TEXT NOT NULL,
    size INTEGER NOT NULL,
    parts TEXT NOT NULL,
    process_types TEXT NOT NULL,
    stack TEXT NOT NULL,
    language TEXT NOT NULL,
    source_commit TEXT,
    created_at TEXT NOT NULL
  ) STRICT;
  CREATE INDEX slugs_by_app ON slugs(app_id, created_at);

  CREATE TABLE releases (
    id TEXT PRIMARY KEY,
    app_id TEXT NOT NULL REFERENCES apps(id) ON DELETE CASCADE,
    version INTEGER NOT NULL,
    description TEXT NOT NULL,
    status TEXT NOT NULL,
    slug_id TEXT REFERENCES slugs(id),
    config TEXT NOT NULL,
    addons TEXT NOT NULL,
    user TEXT NOT NULL,
    created_at TEXT NOT NULL,
    UNIQUE (app_id, version)
  ) STRICT;
  CREATE TRIGGER releases_append_only
    BEFORE UPDATE OF id, app_id, version, description, slug_id, config, addons, user, created_at ON releases
    BEGIN SELECT RAISE(ABORT, 'releases are append-only'); END;

  CREATE TABLE builds (
    id TEXT PRIMARY KEY,
    app_id TEXT NOT NULL REFERENCES apps(id) ON DELETE CASCADE,
    status TEXT NOT NULL,
    phases TEXT NOT NULL,
    release INTEGER,
    failure TEXT,
    created_at TEXT NOT NULL,
    finished_at TEXT
  ) STRICT;
  CREATE INDEX builds_by_app ON builds(app_id, created_at);

  CREATE TABLE formation (
    app_id TEXT NOT NULL REFERENCES apps(id) ON DELETE CASCADE,
    type TEXT NOT NULL,
    quantity INTEGER NOT NULL,
    size TEXT NOT NULL,
    PRIMARY KEY (app_id, type)
  ) STRICT;
  `,
  `
  ALTER TABLE apps ADD COLUMN deploy_on_save INTEGER NOT NULL DEFAULT 0;
  `,
  `
  ALTER TABLE slugs ADD COLUMN expired_at TEXT;
  `,
  `
  ALTER TABLE apps ADD COLUMN deploy_order TEXT NOT NULL DEFAULT 'seamless';
  ALTER TABLE apps ADD COLUMN sleep_after INTEGER;
  ALTER TABLE apps ADD COLUMN asleep_since TEXT;
  ALTER TABLE releases ADD COLUMN problem TEXT;
  CREATE TABLE options (name TEXT PRIMARY KEY, value TEXT NOT NULL) STRICT;
  `,
  `
  ALTER TABLE apps ADD COLUMN dyno_metadata INTEGER NOT NULL DEFAULT 0;
  `,
  `
  CREATE TABLE runs (
    id TEXT PRIMARY KEY,
    app_id TEXT NOT NULL REFERENCES apps(id) ON DELETE CASCADE,
    name TEXT NOT NULL,
    ends_at INTEGER NOT NULL
  ) STRICT;
  `,
  `
  CREATE TABLE buildpacks (
    app_id TEXT NOT NULL REFERENCES apps(id) ON DELETE CASCADE,
    ordinal INTEGER NOT NULL,
    buildpack TEXT NOT NULL,
    PRIMARY KEY (app_id, ordinal)
  ) STRICT;
  ALTER TABLE apps ADD COLUMN detected_buildpack TEXT;
  ALTER TABLE builds ADD COLUMN source_commit TEXT;
  `,
  `
  ALTER TABLE apps ADD COLUMN maintenance INTEGER NOT NULL DEFAULT 0;
  ALTER TABLE apps ADD COLUMN session_affinity INTEGER NOT NULL DEFAULT 0;
  ALTER TABLE apps ADD COLUMN dyno_choice TEXT NOT NULL DEFAULT 'random';
  CREATE TABLE domains (
    id TEXT PRIMARY KEY,
    app_id TEXT NOT NULL REFERENCES apps(id) ON DELETE CASCADE,
    hostname TEXT NOT NULL UNIQUE,
    created_at TEXT NOT NULL
  ) STRICT;
  CREATE INDEX domains_by_app ON domains(app_id, hostname);
  `,
  `
  ALTER TABLE slugs ADD COLUMN images TEXT;
  `,
  `
  ALTER TABLE apps ADD COLUMN builder TEXT NOT NULL DEFAULT 'heroku/builder:24';
  `,
];
