import { mkdir, readFile, readdir, rm, writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import * as z from 'zod';
import { dynoName } from './dyno-labels.ts';
import type { DynoSpec } from '../runtime.ts';

const Identity = z.object({
  labels: z.record(z.string(), z.string()),
  startedAt: z.number(),
});

/** What a dyno is that began in a reserved place: Docker does not change the labels of a container that exists. */
export interface Identity {
  /** Labels that the container would have, had it been made for this dyno. */
  readonly labels: Readonly<Record<string, string>>;
  /** When it became the dyno, in milliseconds since the epoch. */
  readonly startedAt: number;
}

/**
 * Remembers what became of reserved places, one file for each container, so that the next engine knows its dynos. It is written before
 * the place gets anything: a place without a file has become nothing.
 */
export class Identities {
  private readonly folder: string;
  private readonly known = new Map<string, Identity>();

  constructor(folder: string) {
    this.folder = folder;
  }

  /** What a container has become, or null. */
  async find(container: string): Promise<Identity | null> {
    const known = this.known.get(container);
    if (known) return known;
    const text = await readFile(this.file(container), 'utf8').catch(() => null);
    const parsed = text === null ? null : Identity.safeParse(jsonOf(text));
    if (!parsed?.success) return null;
    this.known.set(container, parsed.data);
    return parsed.data;
  }

  async set(container: string, spec: DynoSpec, startedAt: number): Promise<Identity> {
    const identity = { labels: dynoName(spec), startedAt };
    await mkdir(this.folder, { recursive: true });
    await writeFile(this.file(container), JSON.stringify(identity), { mode: 0o600 });
    this.known.set(container, identity);
    return identity;
  }

  async forget(container: string): Promise<void> {
    this.known.delete(container);
    await rm(this.file(container), { force: true });
  }

  /** Forgets all containers but these. */
  async sweep(containers: ReadonlySet<string>): Promise<void> {
    const files = await readdir(this.folder).catch(() => []);
    const gone = files.map((file) => file.replace(/\.json$/, '')).filter((id) => !containers.has(id));
    await Promise.all(gone.map((id) => this.forget(id)));
  }

  private file(container: string): string {
    return join(this.folder, `${container}.json`);
  }
}

function jsonOf(text: string): unknown {
  try {
    return JSON.parse(text);
  } catch {
    return null;
  }
}
