import { randomUUID } from 'node:crypto';
import { SlipwayError } from '#shared/errors.ts';
import type { Dyno } from '#shared/model/app.ts';
import { RUN_TYPE } from '#shared/model/run.ts';
import { DEFAULT_SIZE, findSize } from '#shared/model/size.ts';
import { dynoSpec } from '../dyno/lifecycle.ts';
import { scaledDown } from '../dyno/lines.ts';
import type { InsideSpec } from '../runtime/run-terminal.ts';
import { type DynoSpec, type Runtime, RuntimeError, type SlugRef } from '../runtime/runtime.ts';
import type { AppRow, SlugRow } from '../store/rows.ts';
import type { Store } from '../store/store.ts';
import { expandCommand, namedType, pickRunName } from './command.ts';
import type { OneOffOrder } from './one-off.ts';

/** Most one-off dynos and commands inside dynos of an app at a time. */
export const MAX_RUNS = 50;
/** Type of terminal that programs in it may count on. */
const TERM = 'xterm-256color';

/** What a client wants to run in a one-off dyno. */
export interface RunOrder {
  readonly command: string;
  /** Canonical name; that of the app's web dynos unless given. */
  readonly size?: string | undefined;
  /** Longest life in seconds; a day unless given. */
  readonly timeToLive?: number | undefined;
}

/** The same on a terminal, with its size in characters. */
export interface TerminalOrder extends RunOrder {
  readonly columns: number;
  readonly rows: number;
  /** Name of a dyno that it shall run inside. */
  readonly dyno?: string | undefined;
}

/** Where an order finds what it needs. */
export interface OrderParts {
  readonly store: Store;
  /** The slug as runtimes want it. */
  slugRef(slug: SlugRow): SlugRef;
}

/**
 * A one-off dyno of the app's current release, as runtimes want it.
 * @param taken names of the app's one-off dynos
 * @param random in [0, 1)
 * @throws SlipwayError `no_release` when the app has no code, `limit_reached`
 */
export function runSpec(
  parts: OrderParts,
  app: AppRow,
  { command, size }: RunOrder,
  taken: ReadonlySet<string>,
  random: number,
): DynoSpec {
  const { store } = parts;
  const release = store.currentRelease(app.id);
  const slug = release?.slugId == null ? null : store.findSlug(release.slugId);
  if (release === null || slug === null) {
    const advice = `Deploy it first: slipway deploy FOLDER --app ${app.name}.`;
    throw new SlipwayError('no_release', `${app.name} has no code yet, so nothing can run. ${advice}`);
  }
  const name = pickRunName(taken, random);
  if (name === null) throw tooMany(app);
  const record = {
    ...{ id: randomUUID(), appId: app.id, name, type: RUN_TYPE, release: release.version },
    size: size ?? ownSize(store, app.id),
    command: expandCommand(command, slug.processTypes),
  };
  const told = app.options.dynoMetadata ? slug : null;
  const spec = dynoSpec({ record, appName: app.name, release, slug: parts.slugRef(slug), told });
  return { ...spec, imageType: namedType(command, slug.processTypes) ?? 'web' };
}

/** That many run already. */
export function tooMany(app: AppRow): SlipwayError {
  const text = `${app.name} has ${MAX_RUNS} one-off dynos already, the most there may be. End one of them first.`;
  return new SlipwayError('limit_reached', text, { retryable: true });
}

/** A one-off dyno on a terminal. @param life longest, in milliseconds */
export function ownDyno(
  runtime: Runtime,
  spec: DynoSpec,
  { columns, rows }: TerminalOrder,
  life: number,
): OneOffOrder {
  const { id, appId, name, release, command } = spec;
  return {
    ...{ id, appId, name, release, command, size: spec.size.name, life, ownDyno: true },
    note: scaledDown(spec.size.name, runtime.info().machine.memoryMiB),
    async open(signal) {
      await spec.slug.verify();
      await runtime.stage(spec.slug, signal);
      return runtime.openRun({ ...spec, env: onTerminal(spec.env), columns, rows });
    },
  };
}

/** A command inside a dyno. @param life longest, in milliseconds */
export function insideDyno(
  runtime: Runtime,
  { spec, target }: ReturnType<typeof insideSpec>,
  app: AppRow,
  life: number,
): OneOffOrder {
  const { id, command } = spec;
  return {
    ...{ id, appId: app.id, name: target.name, release: target.release, command, size: '', life },
    ownDyno: false,
    note: null,
    open: () => runtime.openInside(spec),
  };
}

/** Variables of a command on a terminal; config vars may say otherwise. */
function onTerminal(env: Readonly<Record<string, string>>): Record<string, string> {
  return { TERM, ...env };
}

/** Eco and Basic apps use one size for all; the others their web dynos' (reference: heroku-platform 3.10). */
function ownSize(store: Store, appId: string): string {
  return store.formation(appId).find(({ type }) => type === 'web')?.size ?? DEFAULT_SIZE;
}

/** A dyno that a command shall run inside. */
export type InsideTarget = Pick<Dyno, 'id' | 'name' | 'release' | 'size'> & { readonly state: string };

/**
 * A command inside a dyno of the app.
 * @param targets dynos of the app, also those that do not run
 * @throws SlipwayError `invalid_params` when the order is one for a dyno of its own, `not_found` when the dyno does not run
 */
export function insideSpec(
  store: Store,
  app: AppRow,
  order: TerminalOrder & { readonly dyno: string },
  targets: readonly InsideTarget[],
): { readonly spec: InsideSpec; readonly target: InsideTarget } {
  const { dyno: name, command, columns, rows } = order;
  if (order.size !== undefined) {
    const text = `A command inside ${name} has the size of ${name}. Leave the size out, or the dyno.`;
    throw new SlipwayError('invalid_params', text);
  }
  const target = targets.find((each) => each.name === name);
  if (target === undefined || !['starting', 'up', 'stopping'].includes(target.state)) {
    const why = target === undefined ? `${app.name} has no dyno ${name}` : `${name} is ${target.state}`;
    const text = `${why}, so nothing can be run inside it. \`ps\` lists the dynos that there are.`;
    throw new SlipwayError('not_found', text);
  }
  const size = findSize(target.size);
  if (size === undefined) throw new Error(`no dyno size ${target.size}`);
  const config = store.findRelease(app.id, target.release)?.config ?? {};
  const spec = {
    ...{ id: randomUUID(), dyno: target.id, dynoName: name, appName: app.name, size, command, columns, rows },
    env: onTerminal({ ...config, DYNO: name }),
  };
  return { spec, target };
}

/** What a runtime throws, in words of the contract; anything else stays as it is. */
export function asSlipwayError(error: unknown): unknown {
  if (!(error instanceof RuntimeError)) return error;
  const options = { cause: error };
  if (error.code === 'cancelled') return new SlipwayError('cancelled', error.message, options);
  if (error.code === 'not_found') return new SlipwayError('not_found', error.message, options);
  if (error.code === 'unavailable')
    return new SlipwayError('runtime_unavailable', error.message, { ...options, retryable: true });
  return new SlipwayError('unavailable', error.message, options);
}
