import * as z from 'zod';
import { App, Dyno, FormationEntry } from '../model/app.ts';
import { Build } from '../model/build.ts';
import { AppBuildpacks, BuildpackRef, MAX_BUILDPACKS } from '../model/buildpack.ts';
import { ConfigChange } from '../model/config.ts';
import { Domain, DomainName } from '../model/domain.ts';
import { LogFilter, LogRecord } from '../model/log.ts';
import { AppName, ProcessType } from '../model/names.ts';
import { Release } from '../model/release.ts';
import { AppOptions, EngineOptions, EngineOptionsView } from '../model/options.ts';
import { DynoSizeName } from '../model/size.ts';
import { ReleaseDiff } from '../model/release-diff.ts';
import { CustomPage } from '../model/pages.ts';
import { HttpsStatus } from '../model/https.ts';
import { MAX_TIME_TO_LIVE, OneOffDyno, RunEvent } from '../model/run.ts';
import { Inspection, Sample } from '../model/source.ts';
import { StackName } from '../model/stack.ts';
import { StatsSample } from '../model/stats.ts';
import { DiskUse } from '../model/system.ts';
import { call, stream } from './endpoint.ts';
import { Fact } from './facts.ts';

const Nothing = z.object({});
/** An app by name or id; both resolve everywhere. */
const OfApp = z.object({ app: z.string().min(1).max(64) });
/** A one-off dyno, by the id that `started` gave. */
const OfRun = z.object({ run: z.string().min(1).max(64) });
/** A command for a one-off dyno. `size` is that of the app's web dynos unless given, `timeToLive` (seconds) a day. */
const RunOrder = OfApp.extend({
  command: z.string().trim().min(1).max(10_000),
  size: DynoSizeName.optional(),
  timeToLive: z.number().int().min(1).max(MAX_TIME_TO_LIVE).optional(),
});
const Version = z.number().int().positive();
const Ordinal = z.number().int().min(1).max(MAX_BUILDPACKS);

/** What shall be compiled: a folder on the engine's machine, contents that were uploaded before, or a sample app. */
export const Source = z.discriminatedUnion('kind', [
  z.object({ kind: z.literal('folder'), path: z.string().min(1).max(4096) }),
  z.object({ kind: z.literal('upload'), upload: z.string().min(1).max(64) }),
  z.object({ kind: z.literal('sample'), sample: z.string().min(1).max(64) }),
]);
export type Source = z.infer<typeof Source>;

/** A wanted change of one process type; a quantity of `+1` or `-1` is relative. */
export const FormationUpdate = z.object({
  type: ProcessType,
  quantity: z.union([z.number().int().min(0), z.string().regex(/^[+-]?\d{1,4}$/)]).optional(),
  size: DynoSizeName.optional(),
});
export type FormationUpdate = z.infer<typeof FormationUpdate>;

/** What the engine runs on. */
export const SystemInfo = z.object({
  version: z.string(),
  runtime: z.object({
    kind: z.enum(['docker', 'process']),
    /** Version of what runs the dynos, for people. */
    version: z.string(),
    /** False when dynos share the machine's files and network with everything else. */
    isolated: z.boolean(),
    /** False while what runs the dynos does not answer. */
    available: z.boolean(),
    /** The machine that dynos run on; it may be a virtual one with less than the engine's. */
    machine: z.object({ memoryMiB: z.number(), cpus: z.number() }),
    /** Plain sentences a user has to know, for example why Docker is not used. */
    notes: z.array(z.string()),
  }),
  home: z.string(),
  apiUrl: z.string(),
  routerUrl: z.string(),
  /** Where the router serves HTTPS; null while it does not. */
  routerTlsUrl: z.string().nullable(),
  memory: z.object({ totalMiB: z.number(), freeMiB: z.number() }),
  cpus: z.number(),
  startedAt: z.string(),
});
export type SystemInfo = z.infer<typeof SystemInfo>;

/** Every endpoint of the engine, by name. One table: hosts, clients and tests are made from it. */
export const contract = {
  'system.info': call(Nothing, SystemInfo),
  'system.options': call(Nothing, EngineOptionsView),
  /** Changes what is given; in force at once and for every later start. */
  'system.setOptions': call(EngineOptions.partial(), EngineOptionsView),
  'system.https': call(Nothing, HttpsStatus),
  /** Switches HTTPS in front of the router on or off. It makes an authority the first time; nothing is told to trust it. */
  'system.setHttps': call(z.object({ on: z.boolean() }), HttpsStatus),
  'system.disk': call(Nothing, DiskUse),
  /** Removes what can be made anew: build caches, shared downloads, staged slugs that no dyno runs. Answers with what is left. */
  'system.cleanUp': call(Nothing, DiskUse.extend({ freedBytes: z.number().int().nonnegative() })),
  /**
   * Looks at a source without deploying it; an upload stays to be deployed. `name` is the folder's, where the source does not say it;
   * `app` is what it would be deployed to, where that is known.
   */
  'sources.inspect': call(
    z.object({ source: Source, name: z.string().max(255).optional(), app: AppName.optional() }),
    Inspection,
  ),
  /** Folders below a folder of the engine's machine, for a path field that completes; no hidden ones, at most 200. */
  'sources.folders': call(
    z.object({ path: z.string().max(4096) }),
    z.object({ path: z.string(), folders: z.array(z.string()) }),
  ),
  'samples.list': call(Nothing, z.object({ samples: z.array(Sample) })),
  'apps.list': call(Nothing, z.object({ apps: z.array(App) })),
  'apps.get': call(OfApp, App),
  'apps.create': call(z.object({ name: AppName.optional(), stack: StackName.optional() }), App),
  /** Changes the options that are given. */
  'apps.update': call(OfApp.extend(AppOptions.partial().shape), App),
  /** Chooses what the app is built and run on, from its next build on. */
  'apps.setStack': call(OfApp.extend({ stack: StackName }), App),
  /** `confirm` has to be the app's name. */
  'apps.destroy': call(OfApp.extend({ confirm: z.string() }), Nothing),
  'builds.start': call(OfApp.extend({ source: Source, clearCache: z.boolean().default(false) }), Build),
  'builds.list': call(OfApp, z.object({ builds: z.array(Build) })),
  'builds.get': call(OfApp.extend({ build: z.string() }), Build),
  'builds.cancel': call(OfApp.extend({ build: z.string() }), Build),
  /** Output of a build from its first character, live until the build ends. */
  'builds.output': stream(OfApp.extend({ build: z.string() }), z.object({ text: z.string() })),
  /** Empties the app's build cache: its next build starts as its first did. */
  'builds.purgeCache': call(OfApp, Nothing),
  'buildpacks.list': call(OfApp, AppBuildpacks),
  /** Puts a list in the place of the app's own; from its next build on. */
  'buildpacks.set': call(
    OfApp.extend({ buildpacks: z.array(BuildpackRef).min(1).max(MAX_BUILDPACKS) }),
    AppBuildpacks,
  ),
  /** Adds one behind the others, or as number `index` (the first is 1). */
  'buildpacks.add': call(OfApp.extend({ buildpack: BuildpackRef, index: Ordinal.optional() }), AppBuildpacks),
  /** Takes one away, by how it is written or by its number. */
  'buildpacks.remove': call(
    OfApp.extend({ buildpack: z.string().trim().min(1).max(2_000).optional(), index: Ordinal.optional() }),
    AppBuildpacks,
  ),
  /** Takes all away: the next build finds its buildpack by the app's files. */
  'buildpacks.clear': call(OfApp, AppBuildpacks),
  'releases.list': call(OfApp, z.object({ releases: z.array(Release) })),
  'releases.get': call(OfApp.extend({ version: Version }), Release),
  /** Without a version: the release before the current one. */
  'releases.rollback': call(OfApp.extend({ version: Version.optional() }), Release),
  /** Runs the command of a failed release again, as a new release; without a version that of the newest one. */
  'releases.retry': call(OfApp.extend({ version: Version.optional() }), Release),
  /** What would change from one release to another; never a value of a config var. */
  'releases.diff': call(OfApp.extend({ from: Version, to: Version }), ReleaseDiff),
  'config.get': call(OfApp, z.object({ vars: z.record(z.string(), z.string()) })),
  'config.update': call(
    OfApp.extend({ change: ConfigChange }),
    z.object({ vars: z.record(z.string(), z.string()), release: Release.nullable() }),
  ),
  'formation.get': call(OfApp, z.object({ formation: z.array(FormationEntry) })),
  'formation.update': call(
    OfApp.extend({ updates: z.array(FormationUpdate).min(1).max(100) }),
    z.object({ formation: z.array(FormationEntry) }),
  ),
  /** Host names that the app is served at beside NAME.localhost. */
  'domains.list': call(OfApp, z.object({ domains: z.array(Domain) })),
  'domains.add': call(OfApp.extend({ hostname: DomainName }), Domain),
  /** By name or id. */
  'domains.remove': call(OfApp.extend({ domain: z.string().min(1).max(253) }), Domain),
  /** The app's own pages in place of the router's. They are named by config vars and fetched when those change. */
  'pages.list': call(OfApp, z.object({ pages: z.array(CustomPage) })),
  /** Fetches them anew; answers once each has come or failed. */
  'pages.refresh': call(OfApp, z.object({ pages: z.array(CustomPage) })),
  'dynos.list': call(OfApp, z.object({ dynos: z.array(Dyno) })),
  /** Restarts one dyno, the dynos of one process type, or all. */
  'dynos.restart': call(OfApp.extend({ dyno: z.string().optional(), type: ProcessType.optional() }), Nothing),
  'logs.recent': call(
    OfApp.extend({ filter: LogFilter.default({}), lines: z.number().int().min(0).max(50_000).default(100) }),
    z.object({ records: z.array(LogRecord) }),
  ),
  /** The last `lines` lines, then every new one, without loss or repeat between the two; `after` resumes behind a sequence number. */
  'logs.open': stream(
    OfApp.extend({
      filter: LogFilter.default({}),
      lines: z.number().int().min(0).max(50_000).default(100),
      after: z.number().int().min(0).optional(),
    }),
    LogRecord,
  ),
  /** Requests and memory, now and then every two seconds; the first item holds the last ten minutes. */
  'stats.open': stream(Nothing, StatsSample),
  /**
   * Runs a command in a one-off dyno of the current release, on a terminal of the given size; with `dyno`, inside that dyno, which has
   * to run. Leaving the stream ends the command, and the one-off dyno with it.
   */
  'runs.open': stream(
    RunOrder.extend({
      columns: z.number().int().min(1).max(1_000),
      rows: z.number().int().min(1).max(1_000),
      dyno: z.string().min(1).max(80).optional(),
    }),
    RunEvent,
  ),
  /** Starts a command in a one-off dyno without a terminal: its output goes into the app's log. Answers once it is up. */
  'runs.start': call(RunOrder, OneOffDyno),
  /** The one-off dynos of an app that run now, oldest first. */
  'runs.list': call(OfApp, z.object({ runs: z.array(OneOffDyno) })),
  /** Ends a one-off dyno: SIGTERM, and SIGKILL to what is left 30 seconds later. Answers at once. */
  'runs.stop': call(OfApp.extend({ dyno: z.string().min(1).max(80) }), Nothing),
  /** What was typed, as text. */
  'runs.input': call(OfRun.extend({ text: z.string().min(1).max(100_000) }), Nothing),
  'runs.resize': call(
    OfRun.extend({
      columns: z.number().int().min(1).max(1_000),
      rows: z.number().int().min(1).max(1_000),
    }),
    Nothing,
  ),
  /** Facts about everything that changes; says nothing about the past. */
  'events.open': stream(Nothing, Fact),
} as const;

export type Contract = typeof contract;
export type EndpointName = keyof Contract;
/** Names of the calls, and of the streams. */
export type CallName = {
  [Name in EndpointName]: Contract[Name]['kind'] extends 'call' ? Name : never;
}[EndpointName];
export type StreamName = Exclude<EndpointName, CallName>;
/** What a client may write, before defaults are filled in. */
export type InputOf<Name extends EndpointName> = z.input<Contract[Name]['input']>;
/** What a handler gets, checked and with defaults. */
export type CheckedInputOf<Name extends EndpointName> = z.output<Contract[Name]['input']>;
export type OutputOf<Name extends CallName> = Contract[Name] extends {
  output: infer Output extends z.ZodType;
}
  ? z.output<Output>
  : never;
export type ItemOf<Name extends StreamName> = Contract[Name] extends { item: infer Item extends z.ZodType }
  ? z.output<Item>
  : never;

/** Who asks, and until when the answer is wanted. */
export interface CallContext {
  /** Name for release ledger and API log lines. */
  readonly user: string;
  readonly signal: AbortSignal;
}

/** One handler for each endpoint; a missing or an extra one does not compile. */
export type Handlers = {
  readonly [Name in EndpointName]: Name extends CallName
    ? (input: CheckedInputOf<Name>, context: CallContext) => Promise<OutputOf<Name>>
    : Name extends StreamName
      ? (input: CheckedInputOf<Name>, context: CallContext) => AsyncIterable<ItemOf<Name>>
      : never;
};
