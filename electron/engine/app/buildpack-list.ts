import { SlipwayError } from '#shared/errors.ts';
import { type AppBuildpacks, MAX_BUILDPACKS, readBuildpack } from '#shared/model/buildpack.ts';
import type { ReleaseLedger } from '../release/ledger.ts';
import type { AppRow } from '../store/rows.ts';
import type { Store } from '../store/store.ts';
import type { FactHub } from '../util/facts.ts';

/** What the lists need of the rest of the engine. */
export interface BuildpackListOptions {
  readonly store: Store;
  readonly ledger: ReleaseLedger;
  readonly facts: FactHub;
}

/** Which buildpacks apps use: a change is in force from the next build on and makes no release (reference: heroku-platform 2.4, 6.1). */
export class BuildpackList {
  private readonly options: BuildpackListOptions;

  constructor(options: BuildpackListOptions) {
    this.options = options;
  }

  get(app: AppRow): AppBuildpacks {
    const { store, ledger } = this.options;
    const override = ledger.current(app.id).config['BUILDPACK_URL'] ?? '';
    return {
      buildpacks: store.buildpacks(app.id),
      override: override.trim() === '' ? null : override,
      detected: store.findApp(app.id)?.detectedBuildpack ?? null,
    };
  }

  /** Puts a list in the place of the app's own. @throws SlipwayError `invalid_params` for one that is named twice */
  set(app: AppRow, wanted: readonly string[]): AppBuildpacks {
    const list = wanted.map(canonical);
    const twice = list.find((each, at) => list.indexOf(each) !== at);
    if (twice !== undefined) throw alreadySet(app, twice);
    return this.write(app, list);
  }

  /** Adds one at a place, the last unless given. @throws SlipwayError `invalid_params`, `limit_reached` */
  add(app: AppRow, buildpack: string, index?: number): AppBuildpacks {
    const list = this.options.store.buildpacks(app.id);
    const added = canonical(buildpack);
    if (list.includes(added)) throw alreadySet(app, added);
    if (list.length >= MAX_BUILDPACKS)
      throw new SlipwayError(
        'limit_reached',
        `${app.name} has ${MAX_BUILDPACKS} buildpacks, the most there may be.`,
      );
    if (index !== undefined && index > list.length + 1) throw noIndex(list.length);
    return this.write(app, list.toSpliced((index ?? list.length + 1) - 1, 0, added));
  }

  /** Takes one away, by name or number. @throws SlipwayError `invalid_params`, `not_found` */
  remove(app: AppRow, which: { buildpack?: string | undefined; index?: number | undefined }): AppBuildpacks {
    const list = this.options.store.buildpacks(app.id);
    if ((which.buildpack === undefined) === (which.index === undefined))
      throw new SlipwayError(
        'invalid_params',
        'Name the buildpack to remove, or its number: one of the two.',
      );
    if (list.length === 0)
      throw new SlipwayError(
        'not_found',
        `No buildpacks were found. Next release on ${app.name} will detect buildpack normally.`,
      );
    if (which.index !== undefined && which.index > list.length) throw noIndex(list.length);
    const at = which.index === undefined ? list.indexOf(canonical(which.buildpack ?? '')) : which.index - 1;
    if (at < 0) throw new SlipwayError('not_found', 'Buildpack not found. Nothing was removed.');
    return this.write(app, list.toSpliced(at, 1));
  }

  clear(app: AppRow): AppBuildpacks {
    return this.write(app, []);
  }

  private write(app: AppRow, list: readonly string[]): AppBuildpacks {
    this.options.store.setBuildpacks(app.id, list);
    this.options.facts.publish({ kind: 'app.changed', app: app.id });
    return this.get(app);
  }
}

/** One spelling for what means the same. */
function canonical(text: string): string {
  const place = readBuildpack(text);
  return place?.kind === 'name' ? place.name : text.trim();
}

function alreadySet(app: AppRow, buildpack: string): SlipwayError {
  return new SlipwayError('invalid_params', `The buildpack ${buildpack} is already set on ${app.name}.`);
}

function noIndex(count: number): SlipwayError {
  return new SlipwayError(
    'invalid_params',
    `Invalid index. There ${count === 1 ? 'is 1 buildpack' : `are ${count} buildpacks`}.`,
  );
}
