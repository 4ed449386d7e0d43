import * as z from 'zod';
import { BuildFailureCode, BuildPhase } from '#shared/model/build.ts';
import { DeployOrder, DynoChoice } from '#shared/model/options.ts';
import { ReleaseStatus } from '#shared/model/release.ts';

const json = <Schema extends z.ZodType>(schema: Schema) =>
  z
    .string()
    .transform((text): unknown => JSON.parse(text))
    .pipe(schema);

/** A one-off dyno without a terminal, which lives on when its engine ends. */
export const RunRow = z
  .object({ id: z.string(), app_id: z.string(), name: z.string(), ends_at: z.number() })
  .transform((row) => ({
    id: row.id,
    appId: row.app_id,
    name: row.name,
    /** When its life is over at the latest, in milliseconds since the epoch. */
    endsAt: row.ends_at,
  }));
export type RunRow = z.output<typeof RunRow>;

/** An app as the database has it. */
export const AppRow = z
  .object({
    id: z.string(),
    name: z.string(),
    stack: z.string(),
    folder: z.string().nullable(),
    serving: z.number().nullable(),
    created_at: z.string(),
    deploy_on_save: z.number(),
    deploy_order: DeployOrder,
    sleep_after: z.number().nullable(),
    dyno_metadata: z.number(),
    maintenance: z.number(),
    session_affinity: z.number(),
    dyno_choice: DynoChoice,
    builder: z.string(),
    asleep_since: z.string().nullable(),
    detected_buildpack: z.string().nullable(),
  })
  .transform((row) => ({
    id: row.id,
    name: row.name,
    stack: row.stack,
    folder: row.folder,
    /** Version of the release whose dynos take the requests; lags behind the current one during a hand-over. */
    serving: row.serving,
    createdAt: row.created_at,
    options: {
      deployOnSave: row.deploy_on_save === 1,
      deployOrder: row.deploy_order,
      sleepAfterMinutes: row.sleep_after,
      dynoMetadata: row.dyno_metadata === 1,
      maintenance: row.maintenance === 1,
      sessionAffinity: row.session_affinity === 1,
      dynoChoice: row.dyno_choice,
      builder: row.builder,
    },
    /** When it fell asleep, or null. */
    asleepSince: row.asleep_since,
    /** Buildpack that a build found by itself, used for later ones while the app has no list. */
    detectedBuildpack: row.detected_buildpack,
  }));
export type AppRow = z.output<typeof AppRow>;

/** A host name of an app beside NAME.localhost. */
export const DomainRow = z
  .object({ id: z.string(), app_id: z.string(), hostname: z.string(), created_at: z.string() })
  .transform((row) => ({
    id: row.id,
    appId: row.app_id,
    /** Lower case; `*.` at the beginning stands for any name below. */
    hostname: row.hostname,
    createdAt: row.created_at,
  }));
export type DomainRow = z.output<typeof DomainRow>;

const Images = z.record(
  z.string(),
  z.object({
    id: z.string(),
    reference: z.string(),
    arguments: z.array(z.string()).nullable(),
  }),
);

const Parts = z.array(z.object({ key: z.string(), offset: z.number(), length: z.number() }));

/** A slug as the database has it. */
export const SlugRow = z
  .object({
    id: z.string(),
    app_id: z.string(),
    sha256: z.string(),
    size: z.number(),
    parts: json(Parts),
    process_types: json(z.record(z.string(), z.string())),
    stack: z.string(),
    language: z.string(),
    source_commit: z.string().nullable(),
    created_at: z.string(),
    images: json(Images).nullable(),
  })
  .transform((row) => ({
    id: row.id,
    appId: row.app_id,
    /** Of the archive; of the images, see `imagesDigest`. */
    sha256: row.sha256,
    /** Of the archive or of the images, in bytes. */
    size: row.size,
    /** None for images. */
    parts: row.parts,
    /** Docker images by process type, in place of an archive; else null. */
    images: row.images,
    processTypes: row.process_types,
    stack: row.stack,
    language: row.language,
    commit: row.source_commit,
    createdAt: row.created_at,
  }));
export type SlugRow = z.output<typeof SlugRow>;

/** A release as the database has it, with its config. */
export const ReleaseRow = z
  .object({
    id: z.string(),
    app_id: z.string(),
    version: z.number(),
    description: z.string(),
    status: ReleaseStatus,
    slug_id: z.string().nullable(),
    config: json(z.record(z.string(), z.string())),
    addons: json(z.array(z.string())),
    user: z.string(),
    created_at: z.string(),
    problem: z.string().nullable(),
  })
  .transform((row) => ({
    id: row.id,
    appId: row.app_id,
    version: row.version,
    description: row.description,
    status: row.status,
    slugId: row.slug_id,
    config: row.config,
    addons: row.addons,
    user: row.user,
    createdAt: row.created_at,
    /** Why it never came up, as a sentence without its end, or null. */
    problem: row.problem,
  }));
export type ReleaseRow = z.output<typeof ReleaseRow>;

const Failure = z.object({ code: BuildFailureCode, message: z.string() });

/** A build as the database has it. */
export const BuildRow = z
  .object({
    id: z.string(),
    app_id: z.string(),
    status: z.enum(['pending', 'succeeded', 'failed']),
    phases: json(z.array(BuildPhase)),
    release: z.number().nullable(),
    failure: json(Failure).nullable(),
    created_at: z.string(),
    finished_at: z.string().nullable(),
    source_commit: z.string().nullable(),
  })
  .transform((row) => ({
    id: row.id,
    appId: row.app_id,
    status: row.status,
    phases: row.phases,
    release: row.release,
    failure: row.failure,
    createdAt: row.created_at,
    finishedAt: row.finished_at,
    /** Commit that exactly was compiled, or null when there is none or files differ from it. */
    sourceCommit: row.source_commit,
  }));
export type BuildRow = z.output<typeof BuildRow>;

/** Wanted dynos of one process type. */
export const FormationRow = z.object({ type: z.string(), quantity: z.number(), size: z.string() });
export type FormationRow = z.output<typeof FormationRow>;
