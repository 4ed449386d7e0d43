import { randomBytes } from 'node:crypto';
import type { ConfigChange, ConfigVars } from '#shared/model/config.ts';
import { DEFAULT_STACK } from '#shared/model/stack.ts';
import type { ReleaseLedger } from '../release/ledger.ts';
import type { ReleasePublisher } from '../release/publisher.ts';
import { type AppManifest, type AskedVar, readManifest } from '../slug/app-manifest.ts';
import { BuildFailure } from '../slug/failure.ts';
import { bang, detail, step } from '../slug/output-text.ts';
import type { ProjectSource } from '../slug/source.ts';
import type { AppRow } from '../store/rows.ts';
import type { Store } from '../store/store.ts';
import type { FactHub } from '../util/facts.ts';

/** What setting an app up needs of the rest of the engine. */
export interface AppSetupOptions {
  readonly store: Store;
  readonly ledger: ReleaseLedger;
  readonly publisher: Pick<ReleasePublisher, 'add'>;
  readonly facts: FactHub;
}

/**
 * Gives an app what its `app.json` asks for, before its first build: config vars and buildpacks. What a person has set already
 * stays (reference: heroku-platform 1.3).
 * @returns what is left to be done after its first release
 * @throws BuildFailure config_missing naming each config var without a value; nothing was set then
 */
export async function setUpApp(
  options: AppSetupOptions,
  { app, user }: { readonly app: AppRow; readonly user: string },
  source: Pick<ProjectSource, 'readFile'>,
  output: (text: string) => void,
): Promise<Pick<AppManifest, 'postdeploy'>> {
  const { store, ledger, publisher, facts } = options;
  const manifest = readManifest((await source.readFile('app.json'))?.toString('utf8') ?? null);
  for (const text of manifest.warnings) output(bang(`Warning: ${text}`));
  const change = wantedVars(manifest.env, ledger.current(app.id).config, app.name);
  const names = Object.keys(change);
  if (names.length > 0) {
    output(step('Setting config vars of app.json'));
    output(detail(names.join(', ')));
    publisher.add(() => ledger.configure(app.id, change, user), { user });
    facts.publish({ kind: 'config.changed', app: app.id });
  }
  if (manifest.buildpacks.length > 0 && store.buildpacks(app.id).length === 0) {
    store.setBuildpacks(app.id, [...new Set(manifest.buildpacks)]);
    facts.publish({ kind: 'app.changed', app: app.id });
  }
  if (manifest.stack !== null && app.stack === DEFAULT_STACK) {
    store.setStack(app.id, manifest.stack);
    facts.publish({ kind: 'app.changed', app: app.id });
  }
  if (manifest.addons.length > 0) output(noAddons('app.json', manifest.addons));
  return { postdeploy: manifest.postdeploy };
}

/** What is to be set of what is asked for. */
function wantedVars(env: readonly AskedVar[], known: ConfigVars, app: string): ConfigChange {
  const open = env.filter(({ name }) => !Object.hasOwn(known, name));
  const missing = open.filter(({ value, required, secret }) => value === null && required && !secret);
  if (missing.length > 0) {
    const list = missing.map(({ name, description }) =>
      description === '' ? name : `${name} (${description})`,
    );
    throw new BuildFailure(
      'config_missing',
      `app.json asks for config vars that have no value: ${list.join(', ')}.\nSet them and deploy again: slipway config set ${missing.map(({ name }) => `${name}=…`).join(' ')} --app ${app}`,
    );
  }
  return Object.fromEntries(
    open.flatMap(({ name, value, secret }): [string, string][] => {
      if (value !== null) return [[name, value]];
      return secret ? [[name, randomBytes(32).toString('hex')]] : [];
    }),
  );
}

/** What the build log says of add-ons that something asks for. */
export function noAddons(what: string, addons: readonly string[]): string {
  return bang(
    `${what} asks for the add-ons ${addons.join(', ')}. Slipway has no add-ons yet, so nothing was provisioned.\nRun such a service yourself, and set the config vars that the app expects of it (DATABASE_URL, REDIS_URL, …).`,
  );
}
