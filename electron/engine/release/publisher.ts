import { randomUUID } from 'node:crypto';
import { SlipwayError } from '#shared/errors.ts';
import { RELEASE_TYPE } from '#shared/model/release.ts';
import { DEFAULT_SIZE } from '#shared/model/size.ts';
import type { Apps } from '../app/apps.ts';
import { describeFormation } from '../app/formation.ts';
import { dynoSpec } from '../dyno/lifecycle.ts';
import type { DynoSpec, SlugRef } from '../runtime/runtime.ts';
import type { FormationRow, ReleaseRow, SlugRow } from '../store/rows.ts';
import type { Store } from '../store/store.ts';
import type { FactHub } from '../util/facts.ts';
import type { ReleaseLedger } from './ledger.ts';
import { ReleaseDyno, type ReleaseDynoContext, type ReleaseEnd, releaseProblem } from './release-dyno.ts';

/** What putting releases in force needs of the rest of the engine. */
export interface PublisherOptions extends ReleaseDynoContext {
  readonly store: Store;
  readonly ledger: ReleaseLedger;
  readonly apps: Pick<Apps, 'beginFormation'>;
  readonly dynos: { appChanged(appId: string): void };
  readonly facts: FactHub;
  /** The slug as runtimes want it. */
  slugRef(slug: SlugRow): SlugRef;
  /** Writes an `app[api]` line. */
  apiLog(appId: string, text: string): void;
}

/** A release that was written down. */
export interface Published {
  readonly release: ReleaseRow;
  /**
   * Resolves once it is in force: at once, or when its release command has succeeded.
   * Rejects with `ReleaseFailed` when it did not.
   */
  readonly done: Promise<void>;
}

/** Who made the release, and who reads along. */
export interface PublishHow {
  readonly user: string;
  /** Gets the output of the release command. */
  readonly onText?: (text: string) => void;
  /** Formation that the source asks for, for an app that has none yet. */
  readonly formation?: readonly FormationRow[];
}

/** A release whose command did not succeed: nothing of it runs. The message says why, as the end of a sentence about it. */
export class ReleaseFailed extends Error {
  override readonly name = 'ReleaseFailed';
}

interface Running {
  readonly appId: string;
  readonly dyno: ReleaseDyno;
  readonly done: Promise<void>;
}

/**
 * Puts releases in force, every one of them: deploys, config changes, rollbacks. One with a `release` process type stays pending
 * until its command has succeeded (reference: heroku-platform 3.11). The command is started by the engine that wrote the
 * release down and by no other, so it never runs twice.
 */
export class ReleasePublisher {
  private readonly options: PublisherOptions;
  /** One for each app at most, by app. */
  private readonly running = new Map<string, Running>();
  private closed = false;

  constructor(options: PublisherOptions) {
    this.options = options;
  }

  /** Fails the releases whose command an engine before this one did not see to its end. To be called before builds are resumed. */
  recover(): void {
    for (const release of this.options.store.pendingReleases()) {
      this.fail(release, 'Slipway ended while its release command ran');
    }
  }

  /**
   * Writes a release down and puts it in force.
   * @param make adds the release to the ledger, as a part of one change; null when there is none to make
   * @throws SlipwayError what `make` throws, `unavailable` while the engine ends
   */
  add<Made extends ReleaseRow | null>(
    make: () => Made,
    how: PublishHow,
  ): Made extends null ? null : Published;
  add(make: () => ReleaseRow | null, how: PublishHow): Published | null {
    if (this.closed)
      throw new SlipwayError('unavailable', 'Slipway is stopping. Try again once it has started.');
    const { store, facts } = this.options;
    const made = store.atomically(() => {
      const release = make();
      return release === null ? null : { release, scaled: this.begin(release, how) };
    });
    if (made === null) return null;
    const { release, scaled } = made;
    this.options.apiLog(release.appId, `${release.description} by user ${how.user}`);
    facts.publish({ kind: 'release.created', app: release.appId, version: release.version });
    if (release.status !== 'pending') {
      this.inForce(release, scaled, how.user);
      return { release, done: Promise.resolve() };
    }
    this.options.apiLog(release.appId, `Running release v${release.version} commands by user ${how.user}`);
    const done = this.run(release, how);
    done.catch(() => undefined);
    return { release, done };
  }

  /** Resolves once no release command of the app runs. @throws the signal's reason */
  async idle(appId: string, signal: AbortSignal): Promise<void> {
    const aborted = Promise.withResolvers<void>();
    const stop = (): void => {
      aborted.resolve();
    };
    signal.addEventListener('abort', stop);
    for (let found = this.running.get(appId); found; found = this.running.get(appId)) {
      await Promise.race([found.done.catch(() => undefined), aborted.promise]);
      signal.throwIfAborted();
    }
    signal.removeEventListener('abort', stop);
  }

  /** Ends the release command of an app, if one runs: SIGTERM, then SIGKILL. */
  stop(appId: string): void {
    this.running.get(appId)?.dyno.stop(false);
  }

  /** Ends the release command of an app that is being destroyed, at once, and waits for it. */
  async abandon(appId: string): Promise<void> {
    const found = this.running.get(appId);
    found?.dyno.stop(true);
    await found?.done.catch(() => undefined);
  }

  /** Ends all release commands and waits for it. */
  async close(): Promise<void> {
    this.closed = true;
    const all = [...this.running.values()];
    for (const { dyno } of all) dyno.stop(false);
    await Promise.allSettled(all.map(({ done }) => done));
  }

  private async run(release: ReleaseRow, how: PublishHow): Promise<void> {
    const { appId } = release;
    const dyno = new ReleaseDyno(this.options, this.specOf(release), how.onText ?? (() => undefined));
    // Whatever happens, the release must not stay pending: the app could have no other.
    const ended = dyno.run().catch((error: unknown): ReleaseEnd => {
      this.options.onProblem(`release command of v${release.version}`, error);
      return { kind: 'not-run', reason: error instanceof Error ? error.message : String(error) };
    });
    const done = ended.then((end) => {
      this.running.delete(appId);
      const problem = releaseProblem(end);
      if (problem === null) this.succeed(release, how);
      else {
        this.fail(release, problem);
        throw new ReleaseFailed(problem);
      }
    });
    this.running.set(appId, { appId, dyno, done });
    await done;
  }

  private specOf(release: ReleaseRow): DynoSpec {
    const { store, clock } = this.options;
    const { appId, slugId, version } = release;
    const slug = slugId === null ? null : store.findSlug(slugId);
    const app = store.findApp(appId);
    if (slug === null || app === null) throw new Error(`v${version} of ${appId} has no release command`);
    const size = store.formation(appId).find((entry) => entry.type === RELEASE_TYPE)?.size ?? DEFAULT_SIZE;
    const name = `${RELEASE_TYPE}.${1_000 + Math.floor(clock.random() * 9_000)}`;
    const record = {
      ...{ id: randomUUID(), appId, name, type: RELEASE_TYPE, release: version, size },
      command: slug.processTypes[RELEASE_TYPE] ?? '',
    };
    const told = app.options.dynoMetadata ? slug : null;
    return dynoSpec({ record, appName: app.name, release, slug: this.options.slugRef(slug), told });
  }

  private succeed(release: ReleaseRow, how: PublishHow): void {
    const { store, ledger, facts } = this.options;
    const scaled = store.atomically(() => {
      ledger.settle(release, 'succeeded');
      return this.begin({ ...release, status: 'succeeded' }, how);
    });
    this.inForce(release, scaled, how.user);
    facts.publish({ kind: 'release.changed', app: release.appId, version: release.version });
    facts.publish({ kind: 'config.changed', app: release.appId });
  }

  private fail(release: ReleaseRow, reason: string): void {
    const { ledger, facts } = this.options;
    ledger.settle(release, 'failed');
    this.options.apiLog(
      release.appId,
      `Release v${release.version} failed: ${reason}. Nothing of it is deployed`,
    );
    facts.publish({ kind: 'release.changed', app: release.appId, version: release.version });
  }

  /** Gives process types that are new with a release in force their dynos. */
  private begin(release: ReleaseRow, how: PublishHow): FormationRow[] {
    const { store, apps } = this.options;
    const slug = release.slugId === null ? null : store.findSlug(release.slugId);
    if (release.status !== 'succeeded' || slug === null) return [];
    return apps.beginFormation(release.appId, Object.keys(slug.processTypes), how.formation);
  }

  private inForce({ appId, version }: ReleaseRow, scaled: readonly FormationRow[], user: string): void {
    this.options.apiLog(appId, `Release v${version} created by user ${user}`);
    if (scaled.length > 0)
      this.options.apiLog(appId, `Scaled to ${describeFormation(scaled)} by user ${user}`);
    this.options.dynos.appChanged(appId);
  }
}
