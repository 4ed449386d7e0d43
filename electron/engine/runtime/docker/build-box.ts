import type { Readable } from 'node:stream';
import { setTimeout as sleep } from 'node:timers/promises';
import { quote } from '../box/tools.ts';
import { type BuildBox, type PackedPart, RuntimeError, type RunOptions } from '../runtime.ts';
import type { SourceNotes } from '../box/source-notes.ts';
import type { BuildFolders } from './box-clean.ts';
import type { BoxChannel, BoxCommand } from './box-channel.ts';
import type { BoxContainer } from './box-container.ts';
import { KEPT_LIST } from './box-listing.ts';
import { packSlug } from './box-pack.ts';
import { noteSource, takeSource } from './box-source.ts';
import { filesTar } from './folder-tar.ts';
import { forgetTrees, type SlugMemory } from './slug-memory.ts';

const MAX_FILE_BYTES = 1024 * 1024;
/** Exit code of the snippet that reads files. */
const MISSING = 44;
/** A signal may come just before the script has started, so it is repeated. */
const INTERRUPT_TRIES = 8;
const INTERRUPT_WAIT_MS = 250;

/** What a box in use needs from the pool that it came from. */
export interface BoxLease {
  readonly container: BoxContainer;
  readonly folders: BuildFolders;
  readonly buildpacks: ReadonlyMap<string, string>;
  readonly env: Readonly<Record<string, string>>;
  /** What is known of the app's last slug. */
  readonly slug: SlugMemory;
  /** What the app's last build folder has of its source. */
  readonly notes: SourceNotes;
  /** Ends the script that runs in the container. */
  interrupt(): Promise<void>;
  /** Gives the container back: `clean` keeps it warm, else it is removed. */
  giveBack(clean: boolean): Promise<void>;
}

/** One build's view of a build container. */
export class DockerBuildBox implements BuildBox {
  readonly buildDir: string;
  readonly envDir: string;
  readonly cacheDir = '/tmp/cache';
  readonly keptList = KEPT_LIST;
  readonly env: Readonly<Record<string, string>>;
  private readonly lease: BoxLease;
  private busy = 0;
  private packed = false;
  private closing: Promise<void> | null = null;

  constructor(lease: BoxLease) {
    this.buildDir = lease.folders.buildDir;
    this.envDir = lease.folders.envDir;
    this.env = lease.env;
    this.lease = lease;
  }

  buildpackDir(name: string): string {
    const folder = this.lease.buildpacks.get(name);
    if (folder === undefined)
      throw new RuntimeError('not_found', `The build box has no buildpack "${name}".`);
    return folder;
  }

  takeSource(marks: ReadonlyMap<string, string>): Promise<ReadonlySet<string>> {
    return this.use((channel) => takeSource(channel, this.buildDir, marks, this.lease.notes));
  }

  noteSource(marks: ReadonlyMap<string, string>): Promise<void> {
    return this.use((channel) => noteSource(channel, this.buildDir, marks, this.lease.notes));
  }

  async putSource(tar: Readable): Promise<void> {
    await this.unpack(tar, this.buildDir, 'The source could not be unpacked');
  }

  async putEnv(vars: Readonly<Record<string, string>>): Promise<void> {
    for (const name of Object.keys(vars)) {
      if (!/^[^/\0]+$/.test(name) || name === '.' || name === '..') {
        throw new RuntimeError('failed', `The config var "${name}" cannot be a file name. Rename it.`);
      }
    }
    if (Object.keys(vars).length === 0) return;
    await this.unpack(filesTar(vars), this.envDir, 'The config vars could not be written');
  }

  async run(script: string, options: RunOptions): Promise<number> {
    if (options.signal.aborted) throw new RuntimeError('cancelled', 'The build was cancelled.');
    let running = true;
    const aborted = (): void => {
      this.interrupt(() => running).catch(() => undefined);
    };
    options.signal.addEventListener('abort', aborted);
    try {
      const text = `cd ${quote(this.buildDir)} || exit\n${exportsOf(options.env ?? {})}${script}\n`;
      const code = await this.command({ kind: 'run', script: text, onOutput: options.onOutput });
      if (options.signal.aborted) throw new RuntimeError('cancelled', 'The build was cancelled.');
      return code;
    } finally {
      running = false;
      options.signal.removeEventListener('abort', aborted);
    }
  }

  /** Ends the running script, and the whole container when that does not help. */
  private async interrupt(running: () => boolean): Promise<void> {
    for (let tries = 0; tries < INTERRUPT_TRIES && running(); tries += 1) {
      await this.lease.interrupt();
      await sleep(INTERRUPT_WAIT_MS, undefined, { ref: false });
    }
    if (running())
      this.lease.container.channel.fail(new RuntimeError('cancelled', 'The build was cancelled.'));
  }

  async readFile(path: string, maxBytes: number = MAX_FILE_BYTES): Promise<Buffer | null> {
    const chunks: Buffer[] = [];
    const script = `cd ${quote(this.buildDir)} || exit
file=${quote(path)}
case $file in /*) ;; *) file=./$file ;; esac
[ -f "$file" ] || exit ${String(MISSING)}
exec head -c ${String(maxBytes + 1)} -- "$file"`;
    const code = await this.command({ kind: 'do', script, onOutput: (bytes) => chunks.push(bytes) });
    if (code === MISSING) return null;
    if (code !== 0) throw this.failed(`${path} could not be read`);
    const bytes = Buffer.concat(chunks);
    if (bytes.length > maxBytes) {
      throw new RuntimeError(
        'too_large',
        `${path} is larger than ${String(maxBytes)} bytes. Make it smaller.`,
      );
    }
    return bytes;
  }

  async *pack(known: ReadonlySet<string>): AsyncIterable<PackedPart> {
    this.busy += 1;
    try {
      yield* packSlug(this.lease.container.channel, this.buildDir, known, this.lease.slug);
      this.packed = true;
    } finally {
      this.busy -= 1;
    }
  }

  close(): Promise<void> {
    this.closing ??= this.giveBack();
    return this.closing;
  }

  private giveBack(): Promise<void> {
    // The next build's last one is this, of which no slug tells what is in it.
    if (!this.packed) forgetTrees(this.lease.slug);
    return this.lease.giveBack(this.busy === 0);
  }

  private async unpack(tar: AsyncIterable<Buffer>, folder: string, doing: string): Promise<void> {
    // A tar that succeeds reads its input to the end by itself.
    const script = `frames | { tar --extract --no-same-owner --delay-directory-restore --directory ${quote(folder)} -f - || { code=$?; cat > /dev/null; exit $code; }; }`;
    const code = await this.command({ kind: 'do', script, input: tar });
    if (code !== 0) throw this.failed(doing);
  }

  private command(command: BoxCommand): Promise<number> {
    return this.use((channel) => channel.command(command));
  }

  /** A box that is closed meanwhile is not kept. */
  private async use<Result>(work: (channel: BoxChannel) => Promise<Result>): Promise<Result> {
    if (this.closing) throw new RuntimeError('failed', 'The build box is closed.');
    this.busy += 1;
    try {
      return await work(this.lease.container.channel);
    } finally {
      this.busy -= 1;
    }
  }

  private failed(doing: string): RuntimeError {
    const complaint = this.lease.container.channel.complaint();
    const full = /no space left/i.test(complaint);
    const advice = full ? 'Free some disk space and deploy again.' : 'Deploy again.';
    return new RuntimeError(full ? 'disk_full' : 'failed', `${doing}${complaint}. ${advice}`);
  }
}

function exportsOf(env: Readonly<Record<string, string>>): string {
  return Object.entries(env)
    .map(([name, value]) => {
      if (!/^[A-Za-z_][A-Za-z0-9_]*$/.test(name)) {
        throw new RuntimeError(
          'failed',
          `"${name}" cannot be the name of a variable in a script. Rename it.`,
        );
      }
      return `export ${name}=${quote(value)}\n`;
    })
    .join('');
}
