import { cp, mkdtemp, readFile, rm, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import type { Build } from '#shared/model/build.ts';
import { whyNoDocker } from '../../e2e/support/docker.ts';
import { type Host, logLines, startHost, waitFor } from '../../e2e/support/host.ts';
import { get } from '../../e2e/support/load.ts';

/** Longest time of one test, in milliseconds. The first build fetches and unpacks a whole runtime; how long that takes is the network's and the machine's affair. */
const PATIENCE_MS = 900_000;
/** Languages of which all apps are tested, by name: fetching runtimes and packages takes minutes for each, and depends on the network. */
const CHOSEN = (process.env['SLIPWAY_LANGUAGES'] ?? '').split(',');
const FIXTURES = join(import.meta.dirname, '..', '..', 'fixtures');

/** An app that has to build and run. */
export interface GoodApp {
  /** Folder below `test/fixtures`. */
  readonly fixture: string;
  /** True when the app is tested also where the language was not chosen. */
  readonly always?: boolean;
  /** What the first build's output has to say. */
  readonly says: readonly (string | RegExp)[];
  /** Path of a page, and what it has to hold. */
  readonly pages: Readonly<Record<string, string | RegExp>>;
  /** Line of the worker in the app's log; none when the app has no worker. */
  readonly worker?: RegExp;
  /** Line that anything else of the app has to write to its log, such as a release command. */
  readonly logs?: RegExp;
  /** What the second build's output has to say. */
  readonly cached: string | RegExp;
  /** A change of a source file for a third build: what its output has to say, and what pages then hold. */
  readonly changed?: {
    readonly file: string;
    readonly from: string;
    readonly to: string;
    readonly says: string | RegExp;
    readonly pages: Readonly<Record<string, string | RegExp>>;
  };
  /** For the table: the tool, and where the language's runtime comes from. */
  readonly tool: string;
  readonly source: string;
}

/** An app whose build has to fail. */
interface BadApp {
  readonly fixture: string;
  readonly always?: boolean;
  /** What the output has to say, the reason and the next step. */
  readonly says: readonly (string | RegExp)[];
}

/** What one build wrote, and how long it took from its start to its end, in seconds. */
interface SeenBuild {
  readonly build: Build;
  readonly output: string;
  readonly seconds: number;
}

/** Deploys a folder and gives its output as well. */
async function seenBuild(host: Host, app: string, path: string): Promise<SeenBuild> {
  const started = performance.now();
  const { id } = await host.client.call('builds.start', { app, source: { kind: 'folder', path } });
  let output = '';
  for await (const items of host.client.open('builds.output', { app, build: id }))
    for (const { text } of items) output += text;
  const build = await host.client.call('builds.get', { app, build: id });
  return { build, output, seconds: (performance.now() - started) / 1000 };
}

/**
 * Tests of a language's buildpack on one engine with Docker: each good app is deployed twice and asked for its pages, each bad one
 * has to fail with its text. Prints a row of the table in docs/BUILDPACKS.md for each good app. Where the language was not chosen
 * only the apps for always are tested, and the names of the others are printed.
 */
export function languageTests(
  language: string,
  allGood: readonly GoodApp[],
  allBad: readonly BadApp[] = [],
): void {
  const good = tested(language, allGood);
  const bad = tested(language, allBad);
  describe.skipIf(good.length + bad.length === 0 || whyNoDocker() !== null)(
    `${language} apps on Docker`,
    () => {
      let host: Host;
      let work: string;
      beforeAll(async () => {
        work = await mkdtemp(join(tmpdir(), 'slipway-language-'));
        host = await startHost({ SLIPWAY_RUNTIME: 'docker' });
      });
      afterAll(async () => {
        for (const { name } of (await host.client.call('apps.list', {})).apps)
          await host.client.call('apps.destroy', { app: name, confirm: name });
        await host.stop();
        await rm(work, { recursive: true, force: true });
      });

      /** A copy, so that what tools leave in a folder does not come into the next build. */
      const create = async (fixture: string): Promise<string> => {
        const path = join(work, fixture);
        await cp(join(FIXTURES, fixture), path, { recursive: true });
        await host.client.call('apps.create', { name: fixture });
        return path;
      };

      it.each(good.map((app) => [app.fixture, app] as const))(
        '%s is built, served and cached',
        async (name, app) => {
          const path = await create(name);
          const first = await seenBuild(host, name, path);
          expect.soft(first.build.failure, first.output).toBeNull();
          for (const text of app.says) expect.soft(first.output).toMatch(text);
          await checkRunning(host, name, app);
          const second = await seenBuild(host, name, path);
          expect(second.build.failure).toBeNull();
          expect(second.output).toMatch(app.cached);
          await checkPages(host, name, app.pages);
          if (app.changed !== undefined) await checkChanged(host, name, path, app.changed);
          console.log(tableRow(language, app, first, second));
          await endDynos(host, name);
        },
        PATIENCE_MS,
      );

      it.each(bad.map((app) => [app.fixture, app] as const))(
        '%s fails and says why',
        async (name, app) => {
          const { build, output } = await seenBuild(host, name, await create(name));
          expect(build).toMatchObject({ status: 'failed', failure: { code: 'compile_failed' } });
          for (const text of app.says) expect(output).toMatch(text);
        },
        PATIENCE_MS,
      );
    },
  );
}

/** Those of the apps that are tested this time; says which are not. */
function tested<App extends BadApp | GoodApp>(language: string, apps: readonly App[]): readonly App[] {
  if (CHOSEN.includes('all') || CHOSEN.includes(language)) return apps;
  const skipped = apps.filter((app) => app.always !== true).map((app) => app.fixture);
  if (skipped.length > 0)
    console.log(
      `Skipped: ${skipped.join(', ')}, as building them takes minutes. Run with SLIPWAY_LANGUAGES='${language}', or all.`,
    );
  return apps.filter((app) => app.always === true);
}

/** The app itself stays until the end: with the last app that was built an engine's downloads go. */
async function endDynos(host: Host, app: string): Promise<void> {
  const { formation } = await host.client.call('formation.get', { app });
  const running = formation.filter((each) => each.quantity > 0);
  const updates = running.map(({ type }) => ({ type, quantity: 0 }));
  await host.client.call('formation.update', { app, updates });
}

type Pages = GoodApp['pages'];

async function checkPages(host: Host, name: string, pages: Pages): Promise<void> {
  for (const [page, text] of Object.entries(pages))
    expect((await get(host.routerPort, name, page)).body).toMatch(text);
}

/** Builds once more with a source file that has changed: what is kept of earlier builds must not be served for it. */
async function checkChanged(
  host: Host,
  name: string,
  path: string,
  changed: NonNullable<GoodApp['changed']>,
): Promise<void> {
  const file = join(path, changed.file);
  const text = await readFile(file, 'utf8');
  expect(text).toContain(changed.from);
  await writeFile(file, text.replace(changed.from, changed.to));
  const { build, output } = await seenBuild(host, name, path);
  expect(build.failure, output).toBeNull();
  expect(output).toMatch(changed.says);
  await checkPages(host, name, changed.pages);
}

async function checkRunning(host: Host, name: string, app: GoodApp): Promise<void> {
  await checkPages(host, name, app.pages);
  if (app.worker !== undefined)
    await host.client.call('formation.update', { app: name, updates: [{ type: 'worker', quantity: 1 }] });
  for (const line of [app.worker, app.logs].filter((each) => each !== undefined))
    await waitFor(`${name} to log ${String(line)}`, async () =>
      (await logLines(host, name)).some((each) => line.test(each)),
    );
}

/** Bytes of the slug are in the line that packing writes. */
function tableRow(language: string, app: GoodApp, first: SeenBuild, second: SeenBuild): string {
  const size = /Done: (\S+)/.exec(first.output)?.[1] ?? '?';
  const cells = [language, app.tool, app.source, app.fixture];
  return `| ${[...cells, first.seconds.toFixed(1), second.seconds.toFixed(1), size].join(' | ')} |`;
}
