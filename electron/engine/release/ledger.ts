import { randomUUID } from 'node:crypto';
import { SlipwayError } from '#shared/errors.ts';
import {
  applyConfig,
  CONFIG_MAX_BYTES,
  configBytes,
  type ConfigChange,
  describeConfigChange,
} from '#shared/model/config.ts';
import { RELEASE_TYPE } from '#shared/model/release.ts';
import type { Clock } from '../util/clock.ts';
import type { AppRow, ReleaseRow, SlugRow } from '../store/rows.ts';
import type { Store } from '../store/store.ts';

/** What a deploy adds to the ledger. */
export interface Deploy {
  readonly slug: SlugRow;
  /** `Deploy 4f2c9a1b`, or in words when the source has no commit. */
  readonly description: string;
  readonly user: string;
}

/**
 * The release ledger: every change of code or config is a release with the next version, for ever
 * (reference: heroku-platform 6). What a method returns is on disk. One with a release command is pending until `settle`, and
 * no other is added meanwhile: it would have to be built on config that may never be in force.
 */
export class ReleaseLedger {
  private readonly store: Store;
  private readonly clock: Clock;

  constructor(store: Store, clock: Clock) {
    this.store = store;
    this.clock = clock;
  }

  /** Starts an app's ledger with v1 and v2, as the platform does. */
  begin(app: Pick<AppRow, 'id'>, user: string): void {
    this.append(app.id, { description: 'Initial release', slugId: null, config: {}, addons: [], user });
    this.append(app.id, { description: 'Enable Logplex', slugId: null, config: {}, addons: [], user });
  }

  /** The newest release that succeeded; every app has one. */
  current(appId: string): ReleaseRow {
    const release = this.store.currentRelease(appId);
    if (release === null) throw new Error(`app ${appId} has no release`);
    return release;
  }

  /** Adds a slug and its release. To be called within `store.atomically`, so that both are kept or neither. */
  deploy(appId: string, deploy: Deploy): ReleaseRow {
    const before = this.current(appId);
    this.store.insertSlug(deploy.slug);
    return this.append(appId, {
      description: deploy.description,
      slugId: deploy.slug.id,
      config: before.config,
      addons: before.addons,
      user: deploy.user,
    });
  }

  /**
   * Changes config vars.
   * @returns the new release, or null when every name had the wanted value already
   * @throws SlipwayError `too_large` when the result is over the platform's limit
   */
  configure(appId: string, change: ConfigChange, user: string): ReleaseRow | null {
    const before = this.current(appId);
    const applied = applyConfig(before.config, change);
    const description = describeConfigChange(applied);
    if (description === null) return null;
    const bytes = configBytes(applied.vars);
    if (bytes > CONFIG_MAX_BYTES) {
      throw new SlipwayError(
        'too_large',
        `Config vars would take ${bytes} bytes; all names and values of an app together may take ${CONFIG_MAX_BYTES}. Make a value shorter or unset one.`,
      );
    }
    return this.append(appId, {
      description,
      slugId: before.slugId,
      config: applied.vars,
      addons: before.addons,
      user,
    });
  }

  /**
   * Makes a new release from the slug and the config of an old one (reference: heroku-platform 6.2).
   * @param version target, or undefined for the newest release before the current one that has code
   * @throws SlipwayError `no_release` when there is no such target
   */
  rollback(appId: string, version: number | undefined, user: string): ReleaseRow {
    const target = version === undefined ? this.defaultTarget(appId) : this.store.findRelease(appId, version);
    if (target === null) {
      throw new SlipwayError(
        'no_release',
        version === undefined
          ? 'There is no earlier release with code to roll back to. Deploy once more first.'
          : `There is no release v${version}. \`releases\` lists the ones there are.`,
      );
    }
    if (!this.eligibleForRollback(target)) {
      throw new SlipwayError(
        'no_release',
        `v${target.version} (${target.description}) cannot be a rollback target: ${whyNot(target)}. Choose a release that has code and succeeded.`,
      );
    }
    return this.append(appId, {
      description: `Rollback to v${target.version}`,
      slugId: target.slugId,
      config: target.config,
      addons: target.addons,
      user,
    });
  }

  /**
   * Makes a new release from one whose release command failed, so that the command runs again (reference: heroku-platform 3.11).
   * @param version which, or undefined for the newest release
   * @throws SlipwayError `no_release` when that one did not fail
   */
  retry(appId: string, version: number | undefined, user: string): ReleaseRow {
    const wanted = version ?? this.store.newestVersion(appId);
    const failed = this.store.findRelease(appId, wanted);
    if (failed?.status !== 'failed') {
      const state = failed === null ? 'there is no such release' : `it ${failed.status}`;
      throw new SlipwayError(
        'no_release',
        `v${wanted} cannot be tried again: ${state}. Only a release whose command failed can.`,
      );
    }
    const { slugId, config, addons, description } = failed;
    return this.append(appId, {
      description: `Retry of v${wanted}: ${description}`,
      ...{ slugId, config, addons, user },
    });
  }

  /** Whether a release may be the target of a rollback. */
  eligibleForRollback(release: ReleaseRow): boolean {
    return release.slugId !== null && release.status === 'succeeded';
  }

  /** Says how the release command of a pending release ended; a release that is not pending stays as it is. */
  settle(release: ReleaseRow, status: 'succeeded' | 'failed'): void {
    this.store.settleRelease(release.id, status);
  }

  private defaultTarget(appId: string): ReleaseRow | null {
    const current = this.current(appId);
    return (
      this.store
        .releases(appId)
        .find((release) => release.version < current.version && this.eligibleForRollback(release)) ?? null
    );
  }

  private append(
    appId: string,
    release: Pick<ReleaseRow, 'description' | 'slugId' | 'config' | 'addons' | 'user'>,
  ): ReleaseRow {
    const [running] = this.store.pendingReleases(appId);
    if (running !== undefined) {
      throw new SlipwayError(
        'conflict',
        `The release command of v${running.version} (${running.description}) is running. Wait for its end and try again.`,
        { retryable: true },
      );
    }
    const slug = release.slugId === null ? null : this.store.findSlug(release.slugId);
    const hasCommand = slug !== null && Object.hasOwn(slug.processTypes, RELEASE_TYPE);
    return this.store.appendRelease({
      id: randomUUID(),
      appId,
      status: hasCommand ? 'pending' : 'succeeded',
      createdAt: new Date(this.clock.now()).toISOString(),
      ...release,
    });
  }
}

/** Why a release cannot be the target of a rollback. */
function whyNot({ slugId, status }: ReleaseRow): string {
  if (slugId === null) return 'it has no code';
  if (status !== 'expired') return `it ${status}`;
  return 'it expired, as only the slugs of the newest 20 releases are kept';
}

/** What a description is made of. */
interface Deployed extends Pick<SlugRow, 'commit' | 'sha256'> {
  readonly images: object | null;
  /** Files differ from the commit, which only a folder's can; known of a deploy, not of a slug. */
  readonly changed?: boolean;
}

/** What a deploy is called in the ledger (reference: heroku-platform 6.1). */
export function describeDeploy({ commit, sha256, images, changed = false }: Deployed): string {
  if (commit !== null) return `Deploy ${commit.slice(0, 8)}${changed ? ' with uncommitted changes' : ''}`;
  return `Deploy ${images === null ? 'slug' : 'image'} ${sha256.slice(0, 8)}`;
}
