import type { ProcessTypes } from '#shared/model/procfile.ts';
import type { Runtime, TypeImage } from '../runtime/runtime.ts';
import type { FormationRow } from '../store/rows.ts';
import type { StoredSlug } from './archive-writer.ts';
import type { Buildpack, ReleaseInfo } from './buildpacks.ts';
import type { BuildpackWish } from './choice.ts';
import type { BuildpackStore } from './fetch/buildpack-store.ts';
import type { PhaseRunner } from './phases.ts';
import type { KnownPart, SlugStore } from './slug-store.ts';
import type { ProjectSource } from './source.ts';

/** What shall be compiled. */
export interface CompileOrder {
  readonly buildId: string;
  readonly appId: string;
  readonly appName: string;
  readonly folder: string;
  /** Stack of the app before its source is read: that of `begin` may be another one. */
  readonly stack: string;
  /** Parts of older slugs that the app's may take over, by key; looked for beside the source. */
  readonly known: Promise<ReadonlyMap<string, KnownPart>>;
  readonly clearCache: boolean;
  /** True when the app has no code yet: only then `app.json` counts. */
  readonly first: boolean;
  /** Longest time from the opened box to the packed slug, in milliseconds. */
  readonly timeoutMs: number;
  /** Aborted once the build has used up the disk. */
  readonly diskFull: AbortSignal;
  /** Gets the source once it was looked through, and answers with what the app has from here on. */
  begin(source: ProjectSource): Promise<AppState>;
}

/** What a build needs to know of its app. */
export interface AppState {
  readonly stack: string;
  /** Image whose Cloud Native Buildpacks count on stack `cnb`. */
  readonly builder: string;
  readonly config: Readonly<Record<string, string>>;
  readonly buildpacks: Omit<BuildpackWish, 'override'>;
}

/** What compiling works with. */
export interface CompileTools {
  readonly runtime: Runtime;
  readonly slugs: SlugStore;
  /** Our buildpacks, in detect order. */
  readonly buildpacks: readonly Buildpack[];
  readonly buildpackStore: Pick<BuildpackStore, 'get'>;
  readonly phases: PhaseRunner;
  /** Takes the build log as it grows. */
  readonly output: (text: string) => void;
  readonly signal: AbortSignal;
}

/** A compiled app. */
export interface CompiledSlug extends StoredSlug {
  readonly id: string;
  readonly stack: string;
  /** Docker images by process type, in place of an archive; else null. */
  readonly images: Readonly<Record<string, TypeImage>> | null;
  readonly processTypes: ProcessTypes;
  /** Formation that `app.json` asks for; empty when it asks for none, or the app has one. */
  readonly formation: readonly FormationRow[];
  /** What the last buildpack's detect printed. */
  readonly language: string;
  readonly commit: string | null;
  /** Files differ from the commit. */
  readonly changed: boolean;
  /** Buildpack that was found by the app's files, for its later builds; null when it was said which to use. */
  readonly detected: string | null;
  /** What the last buildpack asks for besides process types. */
  readonly wishes: Pick<ReleaseInfo, 'addons' | 'config_vars'>;
}
