import { type ChildProcess, spawn } from 'node:child_process';
import { constants } from 'node:fs';
import { cp, mkdir, open, readdir, rename, rm, writeFile } from 'node:fs/promises';
import { basename, join } from 'node:path';
import type { Readable } from 'node:stream';
import { UNPACK } from '../box/expand-slug.ts';
import { packFolder } from '../box/pack-folder.ts';
import type { SourceNotes } from '../box/source-notes.ts';
import { cancelled, hasCode, runTool, toRuntimeError } from '../box/tools.ts';
import {
  type BuildBox,
  type BuildBoxSpec,
  type PackedPart,
  type RunOptions,
  RuntimeError,
} from '../runtime.ts';
import { noteSource, takeSource } from './box-source.ts';
import type { HostEnv } from './host-env.ts';
import { endGroup, exitCode, killMarked, MARK, signalGroup } from './identity.ts';
import type { Layout } from './layout.ts';

/** Time between SIGTERM and SIGKILL when a build is cancelled, in milliseconds. */
const TERM_GRACE = 1_000;
/** How long output is awaited that a left-behind process may still write after the script's end, in milliseconds. */
const DRAIN_GRACE = 250;

const LIMIT = 1024 * 1024;

/** What boxes need besides their spec. */
export interface BoxContext {
  readonly layout: Layout;
  readonly host: HostEnv;
  readonly downloadsDir: string;
  readonly buildEnv: Readonly<Record<string, string>>;
  /** What the app's last build folder has of its source. */
  readonly notes: SourceNotes;
}

/** Mark of a build's processes. */
export function buildMark(layout: Layout, buildId: string): string {
  return layout.build(buildId);
}

/** A place to compile in that is nothing but folders and process groups; see `BuildBox` for what it keeps. */
export class ProcessBuildBox implements BuildBox {
  readonly buildDir: string;
  readonly cacheDir: string;
  readonly envDir: string;
  readonly env: Readonly<Record<string, string>>;
  readonly keptList = null;
  /** Where buildpacks find the app's last build folder, to move what has not changed out of it. */
  readonly lastBuild: string;
  private readonly root: string;
  private readonly spec: BuildBoxSpec;
  private readonly context: BoxContext;
  private readonly onClose: () => void;
  /** Process groups that may have members. */
  private readonly groups = new Set<number>();
  private sourceNames: ReadonlySet<string> = new Set();
  private closing: Promise<void> | null = null;

  private constructor(spec: BuildBoxSpec, context: BoxContext, onClose: () => void) {
    const { layout, host } = context;
    this.spec = spec;
    this.context = context;
    this.onClose = onClose;
    this.root = layout.build(spec.buildId);
    this.buildDir = join(this.root, 'build');
    this.envDir = join(this.root, 'env');
    this.cacheDir = layout.cache(spec.appId);
    this.lastBuild = join(this.cacheDir, '.last-build');
    this.env = {
      ...host.build,
      HOME: join(this.root, 'home'),
      TMPDIR: join(this.root, 'tmp'),
      STACK: spec.stack,
      SLIPWAY_DOWNLOADS: context.downloadsDir,
      // Electron's program is no Node.js for scripts.
      ...(process.versions['electron'] === undefined ? { SLIPWAY_NODE: process.execPath } : {}),
      SLIPWAY_LAST_BUILD: this.lastBuild,
      ...context.buildEnv,
      [MARK]: buildMark(layout, spec.buildId),
    };
  }

  /** Makes the folders of a box. */
  static async open(spec: BuildBoxSpec, context: BoxContext, onClose: () => void): Promise<ProcessBuildBox> {
    const box = new ProcessBuildBox(spec, context, onClose);
    try {
      await context.layout.remove(box.root);
      if (spec.clearCache) await context.layout.remove(box.cacheDir);
      for (const folder of [
        box.buildDir,
        box.envDir,
        join(box.root, 'home'),
        join(box.root, 'tmp'),
        box.cacheDir,
      ]) {
        await mkdir(folder, { recursive: true });
      }
      await mkdir(context.downloadsDir, { recursive: true });
      for (const { name, folder } of spec.buildpacks.filter((each) => each.changeable === true))
        await cp(folder, box.copyOf(name), { recursive: true, verbatimSymlinks: true });
      return box;
    } catch (error) {
      await box.close();
      throw toRuntimeError('making the build folders', error);
    }
  }

  buildpackDir(name: string): string {
    const buildpack = this.spec.buildpacks.find((each) => each.name === name);
    if (buildpack) return buildpack.changeable === true ? this.copyOf(name) : buildpack.folder;
    throw new RuntimeError(
      'not_found',
      `The build box has no buildpack "${name}": name it when the box is opened.`,
    );
  }

  private copyOf(buildpack: string): string {
    return join(this.root, 'buildpacks', basename(buildpack));
  }

  async takeSource(marks: ReadonlyMap<string, string>): Promise<ReadonlySet<string>> {
    const taken = await takeSource(this, marks, this.context.notes, async () => {
      await this.context.layout.remove(this.buildDir);
      await mkdir(this.buildDir);
    });
    this.sourceNames = new Set(await readdir(this.buildDir));
    return taken;
  }

  async putSource(tar: Readable): Promise<void> {
    await runTool('unpacking the source', 'tar', [...UNPACK, this.buildDir], { input: tar });
    this.sourceNames = new Set(await readdir(this.buildDir));
  }

  noteSource(marks: ReadonlyMap<string, string>): Promise<void> {
    return noteSource(this.buildDir, marks, this.context.notes);
  }

  async putEnv(vars: Readonly<Record<string, string>>): Promise<void> {
    try {
      await rm(this.envDir, { recursive: true, force: true });
      await mkdir(this.envDir);
      for (const [name, value] of Object.entries(vars)) {
        if (/[/\0]/.test(name) || name === '' || name === '.' || name === '..') {
          throw new RuntimeError('failed', `A config var cannot be named "${name}": rename it.`);
        }
        await writeFile(join(this.envDir, name), value, { mode: 0o600 });
      }
    } catch (error) {
      throw toRuntimeError('writing the config vars for the build', error);
    }
  }

  async run(script: string, options: RunOptions): Promise<number> {
    if (options.signal.aborted || this.closing !== null) throw cancelled('The build script');
    const args = [
      '--noprofile',
      '--norc',
      '-c',
      'exec 2>&1; exec "$BASH" --noprofile --norc -c "$1"',
      'bash',
      script,
    ];
    const child = spawn(this.context.host.bash, args, {
      cwd: this.buildDir,
      env: { ...this.env, ...options.env },
      detached: true,
      stdio: ['ignore', 'pipe', 'ignore'],
    });
    if (child.pid !== undefined) this.groups.add(child.pid);
    const ended = scriptEnd(child, options.onOutput);
    const cancel = (): void => {
      if (child.pid !== undefined) void endGroup(child.pid, TERM_GRACE);
    };
    options.signal.addEventListener('abort', cancel);
    try {
      const code = await ended;
      if (!options.signal.aborted) return code;
      await this.killEverything();
      throw cancelled('The build script');
    } catch (error) {
      throw toRuntimeError('running a build script', error);
    } finally {
      options.signal.removeEventListener('abort', cancel);
      if (child.pid !== undefined && !signalGroup(child.pid, 0)) this.groups.delete(child.pid);
    }
  }

  async readFile(path: string, maxBytes = LIMIT): Promise<Buffer | null> {
    try {
      await using file = await open(path, constants.O_RDONLY | constants.O_NONBLOCK);
      const stats = await file.stat();
      if (!stats.isFile()) return null;
      if (stats.size > maxBytes) {
        throw new RuntimeError(
          'too_large',
          `${path} has ${String(stats.size)} bytes; at most ${String(maxBytes)} are read.`,
        );
      }
      return await file.readFile();
    } catch (error) {
      if (hasCode(error, 'ENOENT', 'ENOTDIR', 'ELOOP', 'ENXIO')) return null;
      throw toRuntimeError(`reading ${path}`, error);
    }
  }

  pack(known: ReadonlySet<string>): AsyncIterable<PackedPart> {
    return packFolder({ folder: this.buildDir, known, byContent: this.sourceNames });
  }

  close(): Promise<void> {
    this.closing ??= this.remove();
    return this.closing;
  }

  private async remove(): Promise<void> {
    await this.killEverything();
    try {
      await this.context.layout.remove(this.lastBuild);
      await rename(this.buildDir, this.lastBuild).catch(() => undefined);
      await this.context.layout.remove(this.root);
    } catch (error) {
      throw toRuntimeError('removing the build folders', error);
    } finally {
      this.onClose();
    }
  }

  private async killEverything(): Promise<void> {
    for (const group of this.groups) signalGroup(group, 'SIGKILL');
    await killMarked(buildMark(this.context.layout, this.spec.buildId));
  }
}

/** Exit code once the script has ended and its output was handed over. */
function scriptEnd(child: ChildProcess, onOutput: (chunk: Buffer) => void): Promise<number> {
  let pieces = 0;
  child.stdout?.on('data', (chunk: Buffer) => {
    pieces += 1;
    onOutput(chunk);
  });
  return new Promise((resolve, reject) => {
    child.once('error', reject);
    child.once('exit', (code, signal) => {
      const finish = (): void => {
        child.stdout?.destroy();
        resolve(exitCode(code, signal));
      };
      const waitForQuiet = (seen: number): void => {
        const timer = setTimeout(() => {
          setImmediate(() => {
            if (pieces === seen) finish();
            else waitForQuiet(pieces);
          });
        }, DRAIN_GRACE);
        child.stdout?.once('close', () => {
          clearTimeout(timer);
          finish();
        });
      };
      if (child.stdout?.closed === true) finish();
      else waitForQuiet(pieces);
    });
  });
}
