import { existsSync, readFileSync } from 'node:fs';
import { join, relative, sep } from 'node:path';
import { type FSWatcher, watch } from 'chokidar';
import ignore from 'ignore';
import { SlipwayError } from '#shared/errors.ts';
import type { AppRow } from '../store/rows.ts';
import type { Clock } from '../util/clock.ts';

/** How long a folder has to be quiet before it is deployed, in milliseconds: editors write in several steps. */
const QUIET = 400;
/** Wait before the next try while another build of the app runs, in milliseconds. */
const BUSY = 1_000;
/** Never a reason to deploy, whatever the project says. */
const ALWAYS_IGNORED = ['.git', 'node_modules', '.DS_Store'];

/** What the watcher needs of the rest of the engine. */
export interface SaveWatcherOptions {
  readonly clock: Clock;
  /** Apps that shall be deployed when their folder changes. */
  apps(): readonly AppRow[];
  /** @throws SlipwayError `conflict` while a build of the app runs */
  deploy(app: AppRow, folder: string): Promise<unknown>;
  onProblem(what: string, error: unknown): void;
}

interface Watched {
  readonly folder: string;
  readonly watcher: FSWatcher;
  cancel: (() => void) | null;
}

/** Deploys an app again when a file of its folder was saved. What `.gitignore` at the top of the folder names does not count. */
export class SaveWatcher {
  private readonly options: SaveWatcherOptions;
  private readonly watched = new Map<string, Watched>();
  private closed = false;

  constructor(options: SaveWatcherOptions) {
    this.options = options;
  }

  /** Watches what shall be watched now, and nothing else. To be called whenever that may have changed. */
  sync(): void {
    if (this.closed) return;
    const wanted = new Map(this.options.apps().map((app) => [app.id, app]));
    for (const [id, { folder }] of this.watched) if (wanted.get(id)?.folder !== folder) this.drop(id);
    for (const app of wanted.values())
      if (app.folder !== null && !this.watched.has(app.id)) this.add(app, app.folder);
  }

  async close(): Promise<void> {
    this.closed = true;
    const watchers = [...this.watched.values()].map(({ watcher }) => watcher);
    for (const id of [...this.watched.keys()]) this.drop(id);
    await Promise.all(watchers.map((watcher) => watcher.close()));
  }

  private add(app: AppRow, folder: string): void {
    const watcher = watch(folder, { ignoreInitial: true, ignored: ignoredIn(folder), followSymlinks: false });
    const entry: Watched = { folder, watcher, cancel: null };
    this.watched.set(app.id, entry);
    watcher.on('all', () => {
      this.soon(app.id, entry, QUIET);
    });
    watcher.on('error', (error) => {
      this.options.onProblem(`watching ${folder}`, error);
    });
  }

  private drop(id: string): void {
    const entry = this.watched.get(id);
    this.watched.delete(id);
    entry?.cancel?.();
    void entry?.watcher.close();
  }

  private soon(id: string, entry: Watched, wait: number): void {
    if (this.watched.get(id) !== entry) return;
    entry.cancel?.();
    entry.cancel = this.options.clock.after(wait, () => {
      entry.cancel = null;
      void this.deploy(id, entry);
    });
  }

  private async deploy(id: string, entry: Watched): Promise<void> {
    const app = this.options.apps().find((each) => each.id === id);
    if (app === undefined || this.closed) return;
    try {
      await this.options.deploy(app, entry.folder);
    } catch (error) {
      if (error instanceof SlipwayError && error.code === 'conflict') this.soon(id, entry, BUSY);
      else this.options.onProblem(`deploying ${app.name} on save`, error);
    }
  }
}

function ignoredIn(folder: string): (path: string) => boolean {
  const rules = ignore().add(ALWAYS_IGNORED);
  const file = join(folder, '.gitignore');
  if (existsSync(file)) rules.add(readFileSync(file, 'utf8'));
  return (path) => {
    const inside = relative(folder, path).split(sep).join('/');
    return inside !== '' && !inside.startsWith('..') && rules.ignores(inside);
  };
}
