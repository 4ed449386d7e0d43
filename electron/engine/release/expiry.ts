import type { Runtime } from '../runtime/runtime.ts';
import type { SlugStore } from '../slug/slug-store.ts';
import type { SlugRow } from '../store/rows.ts';
import type { Store } from '../store/store.ts';
import type { Clock } from '../util/clock.ts';

/**
 * Releases of an app whose slugs are kept, newest first (reference: heroku-platform 6.2). The platform keeps those of the last
 * 30 days as well; a person's own disk would fill up with what nobody goes back to.
 */
const KEPT_RELEASES = 20;
/** Newest slugs that are kept whatever releases say: a build may take over their parts. */
export const KNOWN_SLUGS = 3;

/** What expiry works with. */
export interface ExpiryOptions {
  readonly store: Pick<
    Store,
    'atomically' | 'findApp' | 'releases' | 'currentRelease' | 'findRelease' | 'slugs' | 'expireSlug'
  >;
  readonly runtime: Pick<Runtime, 'listDynos' | 'unstage'>;
  readonly slugs: Pick<SlugStore, 'removeSettled'>;
  readonly clock: Clock;
  /** Slugs that one-off dynos run from. */
  slugsOfRuns(): readonly string[];
}

/** Removes the slugs of old releases, so that an app which is deployed often does not fill the disk. */
export class SlugExpiry {
  private readonly options: ExpiryOptions;

  constructor(options: ExpiryOptions) {
    this.options = options;
  }

  /**
   * Expires an app's old slugs with their releases. What runs, serves or may be built from stays. A crash on the way is
   * finished by the next start, which removes what the store does not name.
   * @returns how many slugs went
   * @throws RuntimeError when the runtime cannot be asked what runs; then nothing went
   */
  async expire(appId: string): Promise<number> {
    const { store, runtime, slugs, clock } = this.options;
    if (this.oldSlugs(appId, []).length === 0) return 0;
    const dynos = (await runtime.listDynos()).filter((dyno) => dyno.appId === appId);
    const old = store.atomically(() => {
      const found = this.oldSlugs(
        appId,
        dynos.map((dyno) => dyno.release),
      );
      const at = new Date(clock.now()).toISOString();
      for (const slug of found) store.expireSlug(slug.id, at);
      return found;
    });
    for (const slug of old) {
      await runtime.unstage(slug.id);
      const stillUsed = store.slugs().some((each) => each.sha256 === slug.sha256);
      if (!stillUsed) await slugs.removeSettled(slug.sha256, clock.now());
    }
    return old.length;
  }

  /** @param running versions of the releases that dynos run */
  private oldSlugs(appId: string, running: readonly number[]): SlugRow[] {
    const { store } = this.options;
    const app = store.findApp(appId);
    if (app === null) return [];
    const own = store.slugs(appId);
    const versions = app.serving === null ? running : [...running, app.serving];
    const releases = [
      ...store.releases(appId).slice(0, KEPT_RELEASES),
      store.currentRelease(appId),
      ...versions.map((version) => store.findRelease(appId, version)),
    ];
    const kept = new Set([
      ...releases.map((release) => release?.slugId),
      ...own.slice(0, KNOWN_SLUGS).map((slug) => slug.id),
      ...this.options.slugsOfRuns(),
    ]);
    return own.filter((slug) => !kept.has(slug.id));
  }
}
