import { randomUUID } from 'node:crypto';
import { mkdir, readdir, readFile, rename, rm, writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import * as z from 'zod';
import { type CustomPage, PAGE_VARS, PageKind } from '#shared/model/pages.ts';
import type { Store } from '../store/store.ts';
import type { Clock } from '../util/clock.ts';
import type { FactHub } from '../util/facts.ts';
import { fetchPage } from './fetch-page.ts';
import type { PagesOfApp } from './rule-book.ts';

/** Longest text of an address that is shown. */
const SHOWN = 200;

/** A copy as it is kept on the disk. */
const Kept = z.object({ url: z.string(), fetchedAt: z.string(), html: z.string() });
type Kept = z.infer<typeof Kept>;

/** One page of one app. */
interface Entry {
  url: string | null;
  kept: Kept | null;
  problem: string | null;
  /** The fetch that is under way. */
  fetching: { readonly stop: AbortController; readonly done: Promise<void> } | null;
}

/** What the pages need of the rest of the engine. */
export interface CustomPagesOptions {
  /** Where copies are kept, a folder for each app. */
  readonly folder: string;
  readonly store: Pick<Store, 'apps' | 'currentRelease'>;
  readonly clock: Clock;
  readonly facts: FactHub;
  /** Pages of an app are not what they were. */
  onChange(appId: string): void;
  /** Tells the owner of an app in its log. */
  log(appId: string, text: string): void;
  onProblem(what: string, error: unknown): void;
}

/**
 * Error page and page for maintenance that an app names in its config vars (reference: heroku-platform 4.6). They are fetched when the
 * config changes, never for a request; the last copy is kept in the data folder, so that it is there without a network too.
 */
export class CustomPages {
  private readonly options: CustomPagesOptions;
  private readonly entries = new Map<string, Map<PageKind, Entry>>();
  private readonly closing = new AbortController();

  constructor(options: CustomPagesOptions) {
    this.options = options;
  }

  /** Reads the kept copies and drops those of apps that are gone, then fetches what is missing and follows the config from there on. */
  async start(): Promise<void> {
    const { folder, store, facts } = this.options;
    const ids = store.apps().map(({ id }) => id);
    await mkdir(folder, { recursive: true });
    for (const name of await readdir(folder)) if (!ids.includes(name)) await this.remove(name);
    for (const id of ids) {
      for (const kind of PageKind.options)
        this.entryOf(id, kind).kept = await readKept(this.fileOf(id, kind));
      this.sync(id);
      this.options.onChange(id);
    }
    this.follow(facts.open(this.closing.signal)).catch((error: unknown) => {
      this.options.onProblem('following the config for pages', error);
    });
  }

  /** Ends what is being fetched. */
  close(): void {
    this.closing.abort();
  }

  /** The pages that clients of an app get. */
  of(appId: string): PagesOfApp {
    const html = (kind: PageKind): string | null => {
      const entry = this.entries.get(appId)?.get(kind);
      return entry?.kept != null && entry.kept.url === entry.url ? entry.kept.html : null;
    };
    return { error: html('error'), maintenance: html('maintenance') };
  }

  /** How the pages of an app stand. */
  list(appId: string): CustomPage[] {
    const pages = this.of(appId);
    return PageKind.options.map((kind) => {
      const { url, kept, problem, fetching } = this.entryOf(appId, kind);
      const html = pages[kind];
      return {
        kind,
        variable: PAGE_VARS[kind],
        url: url === null ? null : url.slice(0, SHOWN),
        bytes: html === null ? null : Buffer.byteLength(html),
        fetchedAt: html === null ? null : (kept?.fetchedAt ?? null),
        problem,
        fetching: fetching !== null,
      };
    });
  }

  /** Fetches the pages of an app anew; those that do not come stay as they are. */
  async refresh(appId: string): Promise<CustomPage[]> {
    this.sync(appId);
    for (const kind of PageKind.options) {
      const entry = this.entryOf(appId, kind);
      if (entry.url !== null && entry.fetching === null) this.fetch(appId, kind, entry, entry.url);
      await entry.fetching?.done;
    }
    return this.list(appId);
  }

  /** Removes every trace of an app's pages. */
  async remove(appId: string): Promise<void> {
    for (const entry of this.entries.get(appId)?.values() ?? []) entry.fetching?.stop.abort();
    this.entries.delete(appId);
    await rm(join(this.options.folder, appId), { recursive: true, force: true });
  }

  private async follow(
    facts: AsyncIterable<{ readonly kind: string; readonly app?: string }>,
  ): Promise<void> {
    for await (const fact of facts) {
      if (fact.app === undefined) continue;
      if (/^(release\.|config\.)/.test(fact.kind)) this.sync(fact.app);
    }
  }

  /** Compares with the config in force, and fetches what it names anew. */
  private sync(appId: string): void {
    const config = this.options.store.currentRelease(appId)?.config ?? {};
    for (const kind of PageKind.options) {
      const entry = this.entryOf(appId, kind);
      const url = config[PAGE_VARS[kind]]?.trim() ?? '';
      if ((entry.url ?? '') === url) continue;
      entry.fetching?.stop.abort();
      entry.fetching = null;
      entry.problem = null;
      entry.url = url === '' ? null : url;
      if (entry.url !== null && entry.kept?.url !== entry.url) this.fetch(appId, kind, entry, entry.url);
      this.changed(appId);
    }
  }

  private fetch(appId: string, kind: PageKind, entry: Entry, url: string): void {
    const stop = new AbortController();
    const signal = AbortSignal.any([stop.signal, this.closing.signal]);
    entry.problem = null;
    const done = this.fetchAndKeep(appId, kind, url, signal).then(
      (kept) => {
        if (!signal.aborted) Object.assign(entry, { kept, fetching: null });
      },
      (error: unknown) => {
        if (signal.aborted) return;
        const problem = error instanceof Error ? error.message : String(error);
        Object.assign(entry, { problem, fetching: null });
        this.options.log(appId, `${PAGE_VARS[kind]} brought no page: ${problem}`);
      },
    );
    entry.fetching = {
      stop,
      done: done.then(() => {
        if (!signal.aborted) this.changed(appId);
      }),
    };
  }

  private async fetchAndKeep(appId: string, kind: PageKind, url: string, signal: AbortSignal): Promise<Kept> {
    const html = await fetchPage(url, signal);
    const kept = { url, fetchedAt: new Date(this.options.clock.now()).toISOString(), html };
    signal.throwIfAborted();
    await this.write(this.fileOf(appId, kind), kept).catch((error: unknown) => {
      // It serves from memory until the engine ends.
      this.options.onProblem('keeping a page of an app', error);
    });
    return kept;
  }

  private async write(file: string, kept: Kept): Promise<void> {
    await mkdir(join(file, '..'), { recursive: true });
    const temporary = `${file}.${randomUUID()}`;
    await writeFile(temporary, JSON.stringify(kept), { flush: true });
    await rename(temporary, file);
  }

  private changed(appId: string): void {
    this.options.onChange(appId);
    this.options.facts.publish({ kind: 'app.changed', app: appId });
  }

  private entryOf(appId: string, kind: PageKind): Entry {
    const pages = this.entries.get(appId) ?? new Map<PageKind, Entry>();
    this.entries.set(appId, pages);
    const entry = pages.get(kind) ?? { url: null, kept: null, problem: null, fetching: null };
    pages.set(kind, entry);
    return entry;
  }

  private fileOf(appId: string, kind: PageKind): string {
    return join(this.options.folder, appId, `${kind}.json`);
  }
}

async function readKept(file: string): Promise<Kept | null> {
  const text = await readFile(file, 'utf8').catch(() => '');
  if (text === '') return null;
  try {
    return Kept.parse(JSON.parse(text));
  } catch {
    // Half written, or of another version: it is fetched anew.
    return null;
  }
}
