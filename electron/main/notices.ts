import type { Dyno } from '#shared/model/app.ts';
import type { Build } from '#shared/model/build.ts';

/** Something that a person wants to know while they look elsewhere. */
export interface Notice {
  readonly title: string;
  readonly body: string;
  /** Place of the UI that tells more. */
  readonly place: string;
}

/** An app tells of crashes once in so many milliseconds, however often its dynos crash. */
export const QUIET = 5 * 60_000;
const MAX_REMEMBERED = 1_000;

/** Decides what is worth a notification: each deploy's end once, and crashes without a flood of them. */
export class Notices {
  private readonly told = new Set<string>();
  private readonly crashToldAt = new Map<string, number>();

  /** What to tell of a build that changed, if anything. */
  ofBuild(app: string, build: Build): Notice | null {
    if (build.finishedAt === null || !this.first(`build ${build.id}`)) return null;
    const place = `/apps/${app}`;
    if (build.failure?.code === 'cancelled') return null;
    if (build.failure !== null || build.status === 'failed')
      return { title: `Deploy of ${app} failed`, body: build.failure?.message ?? 'See its output.', place };
    const body = build.release === null ? 'Deployed.' : `Release v${build.release} is up.`;
    return { title: `${app} is live`, body, place };
  }

  /** What to tell of an app whose dynos changed, if anything. */
  ofDynos(app: string, dynos: readonly Dyno[], now: number): Notice | null {
    const crashed = dynos.filter((dyno) => dyno.state === 'crashed' && this.first(`dyno ${dyno.id}`));
    const [one] = crashed;
    if (one === undefined || now - (this.crashToldAt.get(app) ?? -Infinity) < QUIET) return null;
    this.crashToldAt.set(app, now);
    const names = crashed.map(({ name }) => name).join(', ');
    return {
      title: `${app}: ${names} crashed`,
      body: one.reason ?? 'Its log says why.',
      place: `/apps/${app}`,
    };
  }

  private first(what: string): boolean {
    if (this.told.has(what)) return false;
    this.told.add(what);
    for (const oldest of this.told) {
      if (this.told.size <= MAX_REMEMBERED) break;
      this.told.delete(oldest);
    }
    return true;
  }
}
