import type { Readable } from 'node:stream';
import type { DynoSize } from '#shared/model/size.ts';
import type { BuilderImage, BuilderOrder, BuiltImage, ImageOrder } from './image-orders.ts';
import type { InsideSpec, RunSpec, RunTerminal } from './run-terminal.ts';

/**
 * The one interface between the platform and the place where builds and dynos run. It speaks of slugs,
 * hosts and addresses, never of local paths, so that another machine can stand behind it.
 * `test/runtime-contract` holds what every implementation has to keep.
 */
export interface Runtime {
  readonly kind: 'docker' | 'process';
  /** What runs the dynos; called often, so answer from memory. */
  info(): RuntimeInfo;
  /**
   * Makes what builds and dynos of a stack need (images, folders). Idempotent; calls at the same time share one run.
   * @param report gets progress lines for people, without line ends
   * @throws RuntimeError when it cannot be made
   */
  prepare(stack: string, report: (line: string) => void, signal: AbortSignal): Promise<void>;
  /**
   * Says that an app may be built for the first time soon, so that its place to compile in can be got ready. Nothing shows of it, and
   * `openBuild`, `destroyApp` and `close` do all that belongs to it. Only the app that was named last is expected.
   */
  expectBuild(spec: BuildBoxSpec): void;
  /** Opens a place to compile in; `close` it whatever happens. */
  openBuild(spec: BuildBoxSpec, signal: AbortSignal): Promise<BuildBox>;
  /**
   * Builds the images of a slug with Dockerfiles. They stay until `unstage` of the slug, `destroyApp`, or a `sweep` that does not
   * keep the slug.
   * @returns them by process type
   * @throws RuntimeError `build_failed` when a step fails, whose output says why; `unsupported` where there are no images
   */
  buildImages(order: ImageOrder, signal: AbortSignal): Promise<ReadonlyMap<string, BuiltImage>>;
  /**
   * Makes sure of an image with Cloud Native Buildpacks, and of what its apps run on.
   * @throws RuntimeError `stack_failed` when one cannot be had or used; `unsupported` where there are no images
   */
  prepareBuilder(builder: string, report: (line: string) => void, signal: AbortSignal): Promise<void>;
  /**
   * Builds the image of a slug with a builder's Cloud Native Buildpacks. It stays as those of `buildImages` do.
   * @throws RuntimeError `build_failed` when the buildpacks do not take the app or fail, which the output explains; `stack_failed`,
   *   `unsupported` as `prepareBuilder`
   */
  buildWithBuilder(order: BuilderOrder, signal: AbortSignal): Promise<BuilderImage>;
  /** Forgets what building an app's images has kept for the next time, as far as it is the app's alone. */
  forgetImageCache(appId: string): Promise<void>;
  /**
   * Makes a slug ready to start dynos from: an image, an expanded copy. Idempotent and shared as `prepare`;
   * made anew from the slug's archive when it was removed from outside. Images are only looked for.
   * @throws RuntimeError `not_found` when an image is gone, `unsupported` for images where there are none
   */
  stage(slug: SlugRef, signal: AbortSignal): Promise<void>;
  /** Forgets what `stage` made, and the slug's images for good. Nothing happens when there is nothing. */
  unstage(slugId: string): Promise<void>;
  /**
   * Gets a place ready for a dyno that may start soon, so that `startDyno` with the same id only has to add what is new. `spec.slug` is
   * staged; the dyno's own may be a later one that begins with the same parts. Nobody sees the place until then; `removeDyno` gives
   * it up, as do `destroyApp`, `close` and the next engine's `sweep`.
   * @returns false when there is no such place: where it would gain nothing, the runtime makes none
   * @throws RuntimeError when it could not be made
   */
  reserveDyno(spec: PlaceSpec): Promise<boolean>;
  /**
   * Starts one dyno, of a slug that was staged or in a reserved place. Resolves when its process has been launched, not when
   * it listens.
   */
  startDyno(spec: DynoSpec): Promise<DynoInstance>;
  /**
   * Starts a one-off dyno on a terminal, of a slug that was staged; `close` it whatever happens. `listDynos`, `onExit` and `followOutput`
   * do not know it. `destroyApp` and the next engine's `sweep` remove it, `close` ends it.
   */
  openRun(spec: RunSpec): Promise<RunTerminal>;
  /**
   * Runs one more command in a dyno that runs, or in a one-off dyno on a terminal: same files, same network, a terminal of its own; `close` it
   * whatever happens. It ends with the dyno; the dyno does not end with it. `close` and the next engine's `sweep` end it.
   * @throws RuntimeError `not_found` when the dyno does not run
   */
  openInside(spec: InsideSpec): Promise<RunTerminal>;
  /** Sends a signal to all processes of the dyno. A dyno that is gone counts as success. */
  signalDyno(id: string, signal: 'SIGTERM' | 'SIGKILL'): Promise<void>;
  /** Removes what is left of a dyno that ended or shall end at once. Idempotent. */
  removeDyno(id: string): Promise<void>;
  /** Every dyno of this engine that exists, running or ended, also those of an engine before this one. */
  listDynos(): Promise<DynoInstance[]>;
  /** True once something in the dyno accepts connections at its address; false when nothing does, or no address is known. */
  isListening(instance: DynoInstance): Promise<boolean>;
  /**
   * Memory of the dynos that run, one-off dynos included, by id, in bytes: what their processes use, without the system's cache of files. Called every few
   * seconds while somebody looks at it, so it has to be cheap. A dyno that ends meanwhile may be missing.
   */
  memoryOf(): Promise<ReadonlyMap<string, number>>;
  /**
   * Follows the dyno's output from its start, or behind `after` when given.
   * The end comes (`onEnd`) once the dyno has ended and all was read.
   */
  followOutput(id: string, sink: OutputSink, after?: OutputPosition): Disposable;
  /** Tells of dynos that end, however they end. A listener may be told twice of the same end. */
  onExit(listener: (exit: DynoExit) => void): Disposable;
  /** Tells when the runtime is lost (daemon stopped) and back; after `back` the caller lists anew. */
  onAvailability(listener: (state: 'lost' | 'back') => void): Disposable;
  /** Removes every trace of an app: dynos, network, cache, images of the given slugs. Idempotent. */
  destroyApp(appId: string, slugIds: readonly string[]): Promise<void>;
  /** Removes leftovers of a former engine that belong to none of the given: build boxes, one-off dynos, networks, staged slugs, half-made things. */
  sweep(keep: { appIds: readonly string[]; slugIds: readonly string[] }): Promise<void>;
  /** What the runtime keeps on the disk. May take seconds. */
  diskUse(): Promise<readonly RuntimeDiskPart[]>;
  /**
   * Removes what can be made anew and nobody uses: caches of apps that are not being built, shared downloads while nothing is built,
   * staged slugs but for those of dynos and the given. Dynos and builds notice nothing; a build that begins meanwhile waits.
   */
  cleanUp(keep: { readonly slugIds: readonly string[] }): Promise<void>;
  /** Ends one-off dynos and lets go of the runtime without touching the other dynos. */
  close(): Promise<void>;
}

/** A part of what a runtime keeps on the disk. */
export interface RuntimeDiskPart {
  /** For people. */
  readonly name: string;
  readonly bytes: number;
  /** Whether `cleanUp` may remove it, in part or whole. */
  readonly removable: boolean;
}

/** What the runtime is, for `system.info`. */
export interface RuntimeInfo {
  readonly kind: 'docker' | 'process';
  readonly version: string;
  readonly isolated: boolean;
  /** False while the daemon does not answer; see `onAvailability`. */
  readonly available: boolean;
  /** The machine that dynos run on, which may be a virtual one. */
  readonly machine: { readonly memoryMiB: number; readonly cpus: number };
  readonly notes: readonly string[];
}

/** The Docker image of a process type. */
export interface TypeImage {
  /** Names its content. */
  readonly id: string;
  /** Where the runtime has it. */
  readonly reference: string;
  /**
   * What its entry point gets where the image itself says how the type is started; null: the dyno's command, run by the image's
   * shell.
   */
  readonly arguments: readonly string[] | null;
}

/** A slug as runtimes see it. */
export interface SlugRef {
  readonly id: string;
  readonly appId: string;
  readonly stack: string;
  /** Lower-case hex. */
  readonly sha256: string;
  /** Archive parts in file order, see `SlugPart`; an archive from elsewhere is one part. */
  readonly parts: readonly SlugPart[];
  /** Docker images by process type, of which dynos start in place of an archive; null for an archive. */
  readonly images: Readonly<Record<string, TypeImage>> | null;
  /** Opens the archive (zstd tar, entries below `./app/`), whole or one part of it. */
  open(part?: SlugPart): Readable;
  /** Makes sure that the archive is what was written. @throws RuntimeError when it was damaged since */
  verify(): Promise<void>;
}

/**
 * What the keys of those parts begin with that are told by names and content alone, with no file's time of change for its content:
 * slugs of other apps may take them over, as no build can make one that is taken for another.
 */
export const SHARED_PART = 'content-';

/**
 * A piece of a slug archive that is a zstd frame (or several) of its own and holds whole tar entries.
 * All pieces one behind the other are the archive, and as one stream they are one tar. A part whose `key`
 * is equal to one of the build before has the same content and is neither read nor compressed again.
 * The last part ends the tar.
 */
export interface SlugPart {
  /** Names the content: equal keys, equal content. See `SHARED_PART`. */
  readonly key: string;
  /** First byte in the archive, and length in bytes. */
  readonly offset: number;
  readonly length: number;
}

/** What a build box has to have. */
export interface BuildBoxSpec {
  readonly buildId: string;
  readonly appId: string;
  readonly stack: string;
  /** Buildpacks to have at hand: their names, in order, and where the engine has them; changeable ones as copies for this build. */
  readonly buildpacks: readonly {
    readonly name: string;
    readonly folder: string;
    readonly changeable?: boolean;
    /** Folder that its scripts find as `../common`, when they need one; the same for all that name one. */
    readonly common?: string | undefined;
  }[];
  /** Empties the app's cache first. */
  readonly clearCache: boolean;
}

/** Where a build's scripts run: BUILD_DIR, CACHE_DIR and ENV_DIR in a place apart, used by one build at a time. */
export interface BuildBox {
  /** Paths as scripts in the box see them. */
  readonly buildDir: string;
  readonly cacheDir: string;
  readonly envDir: string;
  /** Folder of a buildpack of the spec, by its name. */
  buildpackDir(name: string): string;
  /**
   * Variables that every script gets: HOME, PATH, STACK, registry and certificate settings; SLIPWAY_DOWNLOADS, a folder for
   * downloads that all apps share; SLIPWAY_LAST_BUILD, where BUILD_DIR of the app's last build is, if it is there: on the same file
   * system, so that a buildpack can move out of it what has not changed.
   */
  readonly env: Readonly<Record<string, string>>;
  /**
   * File in which a buildpack that can be believed names folders of BUILD_DIR, one a line, that it moved out of SLIPWAY_LAST_BUILD and that
   * nothing wrote into since: `pack` does not look into them. Empty when a build begins; null where `pack` looks at everything.
   */
  readonly keptList: string | null;
  /**
   * Takes over into BUILD_DIR, which is empty before, what the app's last build folder still has of the source just as it was brought.
   * @param marks by path: what names a file's content where the source comes from. Files without a mark are not taken over
   * @returns the paths of the files that are there now. None when nothing is known, or it did not work
   */
  takeSource(marks: ReadonlyMap<string, string>): Promise<ReadonlySet<string>>;
  /** Unpacks a tar into BUILD_DIR, which has nothing but what was taken over before. */
  putSource(tar: Readable): Promise<void>;
  /** Remembers BUILD_DIR as it is, which is the whole source, for `takeSource` of the app's next build. */
  noteSource(marks: ReadonlyMap<string, string>): Promise<void>;
  /** Writes one file for each config var into ENV_DIR. */
  putEnv(vars: Readonly<Record<string, string>>): Promise<void>;
  /**
   * Runs a bash script with BUILD_DIR as its working folder.
   * @param onOutput gets standard output and error as they come, in the order they were written
   * @returns the exit code; a script ended by a signal has 128 + its number
   */
  run(script: string, options: RunOptions): Promise<number>;
  /** Content of a file, or null when there is none. @throws RuntimeError when larger than `maxBytes` (1 MiB unless given) */
  readFile(path: string, maxBytes?: number): Promise<Buffer | null>;
  /**
   * Archives BUILD_DIR as a slug: tar entries below `./app/`, owner 1000:1000, zstd. Parts with a key in `known` come without bytes.
   * Each part has to be read to its end before the next is asked for.
   */
  pack(known: ReadonlySet<string>): AsyncIterable<PackedPart>;
  /** Ends all processes of the box and removes its folders; the cache stays. Idempotent. A box may be kept warm for the app's next build. */
  close(): Promise<void>;
}

/** One part of a slug as it leaves the box; `bytes` is null when its key was known. */
export interface PackedPart {
  readonly key: string;
  readonly bytes: Readable | null;
}

export interface RunOptions {
  readonly env?: Readonly<Record<string, string>>;
  readonly onOutput: (chunk: Buffer) => void;
  readonly signal: AbortSignal;
}

/** A dyno to be started. */
export interface DynoSpec {
  /** Unique for ever. */
  readonly id: string;
  readonly appId: string;
  readonly appName: string;
  /** `web.1` */
  readonly name: string;
  readonly type: string;
  /** Process type whose image it starts from, where that is not its own; the slug may have none of that name. */
  readonly imageType?: string;
  readonly release: number;
  readonly slug: SlugRef;
  /** Run by bash after /etc/profile.d, .profile.d and .profile (reference: heroku-platform 2.3). */
  readonly command: string;
  /** Config vars and DYNO; the runtime adds HOME, PORT, PATH. */
  readonly env: Readonly<Record<string, string>>;
  readonly size: DynoSize;
}

/** A place for a dyno of which only this is known. */
export type PlaceSpec = Pick<DynoSpec, 'id' | 'appId' | 'appName' | 'slug' | 'size'>;

/** Where in a dyno's output a reader is; opaque to all but the runtime. */
export type OutputPosition = string;

/** A dyno that exists in the runtime. */
export interface DynoInstance {
  readonly id: string;
  readonly appId: string;
  readonly name: string;
  readonly type: string;
  readonly release: number;
  /** Canonical size name and command, as started. */
  readonly size: string;
  readonly command: string;
  /** Where the router reaches it; null when it ended. */
  readonly address: DynoAddress | null;
  /** Value of PORT inside. */
  readonly port: number;
  /** Milliseconds since the epoch. */
  readonly startedAt: number;
  /** Null while it runs. */
  readonly exit: { readonly code: number; readonly at: number; readonly outOfMemory: boolean } | null;
}

export interface DynoAddress {
  readonly host: string;
  readonly port: number;
}

export interface DynoExit {
  readonly id: string;
  /** Exit code; 128 + signal number when a signal ended it. */
  readonly code: number;
  readonly at: number;
  readonly outOfMemory: boolean;
}

/** Takes a dyno's output. */
export interface OutputSink {
  /**
   * @param bytes as written by the process, cut anywhere
   * @param at microseconds since the epoch
   * @param position where the reader stands behind these bytes
   */
  onBytes(stream: 'stdout' | 'stderr', bytes: Buffer, at: number, position: OutputPosition): void;
  onEnd(): void;
}

/** The runtime could not do it. `message` names the thing, the reason and the next step. */
export class RuntimeError extends Error {
  override readonly name = 'RuntimeError';
  readonly code:
    | 'unavailable'
    | 'stack_failed'
    | 'build_failed'
    | 'unsupported'
    | 'not_found'
    | 'too_large'
    | 'disk_full'
    | 'cancelled'
    | 'failed';

  constructor(code: RuntimeError['code'], message: string, cause?: unknown) {
    super(message, cause === undefined ? undefined : { cause });
    this.code = code;
  }
}
