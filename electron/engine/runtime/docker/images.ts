import type { Readable } from 'node:stream';
import * as z from 'zod';
import type { Daemon } from './daemon.ts';
import { orMissing, statusOf } from './errors.ts';
import { loginHeader, type RegistryLogin } from './registry-logins.ts';

const Inspected = z.object({
  Id: z.string(),
  Architecture: z.string().catch('amd64'),
  Size: z.number().catch(0),
  RepoTags: z.array(z.string()).nullish(),
  Config: z
    .object({
      Labels: z.record(z.string(), z.string()).nullish(),
      Env: z.array(z.string()).nullish(),
      Entrypoint: z.array(z.string()).nullish(),
      Cmd: z.array(z.string()).nullish(),
    })
    .nullish(),
  RootFS: z.object({ Layers: z.array(z.string()).nullish() }).nullish(),
});

/** An image as `inspect` tells of it. */
export interface ImageFacts {
  readonly id: string;
  readonly architecture: string;
  readonly labels: Readonly<Record<string, string>>;
  readonly env: readonly string[];
  readonly tags: readonly string[];
  readonly bytes: number;
  /** ENTRYPOINT and CMD; empty where there is none. */
  readonly entrypoint: readonly string[];
  readonly command: readonly string[];
  /** Digests of the unpacked layers, lowest first. */
  readonly layers: readonly string[];
}

const Listed = z.array(
  z.object({
    Id: z.string(),
    RepoTags: z.array(z.string()).nullish(),
    Labels: z.record(z.string(), z.string()).nullish(),
  }),
);

/** A row of the image list. */
export interface ImageRow {
  readonly id: string;
  readonly tags: readonly string[];
  readonly labels: Readonly<Record<string, string>>;
}

/** All about an image by tag or id, or null when there is none. */
export async function inspectImage(daemon: Daemon, name: string): Promise<ImageFacts | null> {
  const answer = await orMissing(daemon.json({ method: 'GET', path: `/images/${name}/json`, ok: [200] }));
  if (answer === null) return null;
  const image = Inspected.parse(answer);
  return {
    id: image.Id,
    architecture: image.Architecture,
    labels: image.Config?.Labels ?? {},
    env: image.Config?.Env ?? [],
    tags: image.RepoTags ?? [],
    bytes: image.Size,
    entrypoint: image.Config?.Entrypoint ?? [],
    command: image.Config?.Cmd ?? [],
    layers: image.RootFS?.Layers ?? [],
  };
}

/** Images with all of the labels. */
export function listImages(daemon: Daemon, label: readonly string[]): Promise<ImageRow[]> {
  return filterImages(daemon, { label });
}

/** Images with a tag of the repository. */
export function listRepository(daemon: Daemon, repository: string): Promise<ImageRow[]> {
  return filterImages(daemon, { reference: [repository] });
}

async function filterImages(
  daemon: Daemon,
  filters: Readonly<Record<string, readonly string[]>>,
): Promise<ImageRow[]> {
  const query = { filters: JSON.stringify(filters) };
  const rows = Listed.parse(await daemon.json({ method: 'GET', path: '/images/json', query, ok: [200] }));
  return rows.map((row) => ({
    id: row.Id,
    tags: (row.RepoTags ?? []).filter((tag) => !tag.includes('<none>')),
    labels: row.Labels ?? {},
  }));
}

/**
 * Removes an image by tag or id, and what of it nothing else needs.
 * @returns false when something still uses it; an image that is gone is fine
 */
export async function removeImage(daemon: Daemon, name: string): Promise<boolean> {
  try {
    await daemon.json({ method: 'DELETE', path: `/images/${name}`, ok: [200] });
    return true;
  } catch (error) {
    if (statusOf(error) === 404) return true;
    if (statusOf(error) === 409) return false;
    throw error;
  }
}

/** Gives an image one more name, which another may have had. An image that is gone is fine. */
export async function tagImage(daemon: Daemon, id: string, name: string): Promise<void> {
  const [repo = name, tag = 'latest'] = name.split(':');
  await orMissing(
    daemon.json({ method: 'POST', path: `/images/${id}/tag`, query: { repo, tag }, ok: [200, 201] }),
  );
}

/** Makes an image of a container. `config` is that of the Docker API and replaces the container's. @returns its id */
export async function commitContainer(
  daemon: Daemon,
  container: string,
  name: { repo: string; tag: string },
  config: object,
): Promise<string> {
  const query = { container, ...name, pause: false };
  const answer = await daemon.json({ method: 'POST', path: '/commit', query, body: config, ok: [201] });
  return z.object({ Id: z.string() }).parse(answer).Id;
}

/** Loads an image archive as `docker save` writes it. @throws Error with the daemon's words when it does not take it */
export async function loadImage(
  daemon: Daemon,
  archive: Readable | Buffer,
  signal: AbortSignal,
): Promise<void> {
  const request = {
    method: 'POST',
    path: '/images/load',
    query: { quiet: true },
    upload: archive,
    ok: [200],
    signal,
  } as const;
  for await (const line of progressOf(await daemon.stream(request))) {
    if (line.error !== undefined) throw new Error(line.error);
  }
}

/** Makes an image of one tar with a whole file system. */
export async function importImage(
  daemon: Daemon,
  tar: Readable,
  name: { repo: string; tag: string },
  signal: AbortSignal,
): Promise<void> {
  const request = {
    method: 'POST',
    path: '/images/create',
    query: { fromSrc: '-', ...name },
    upload: tar,
    ok: [200],
    signal,
  } as const;
  for await (const line of progressOf(await daemon.stream(request))) {
    if (line.error !== undefined) throw new Error(line.error);
  }
}

/** Fetches an image from its registry, with a login when it has one; gives each line of progress. @throws Error with the registry's words */
export async function* pullImage(
  daemon: Daemon,
  image: string,
  tag: string,
  { login, signal }: { readonly login: RegistryLogin | undefined; readonly signal: AbortSignal },
): AsyncIterable<string> {
  const request = {
    method: 'POST',
    path: '/images/create',
    query: { fromImage: image, tag },
    ok: [200],
    signal,
    ...(login === undefined ? {} : { registryAuth: loginHeader(login) }),
  } as const;
  for await (const line of progressOf(await daemon.stream(request))) {
    if (line.error !== undefined) throw new Error(line.error);
    yield line.status ?? '';
  }
}

const Progress = z.object({ status: z.string().optional(), error: z.string().optional() });

async function* progressOf(body: Readable): AsyncIterable<z.infer<typeof Progress>> {
  for await (const line of linesOf(body)) yield* parseProgress(line);
}

/** Lines of an answer that hold anything. */
export async function* linesOf(body: Readable): AsyncIterable<string> {
  let rest = '';
  for await (const chunk of body.setEncoding('utf8')) {
    const lines = (rest + String(chunk)).split('\n');
    rest = lines.pop() ?? '';
    for (const line of lines) if (line.trim() !== '') yield line;
  }
  if (rest.trim() !== '') yield rest;
}

function* parseProgress(line: string): Iterable<z.infer<typeof Progress>> {
  try {
    yield Progress.parse(JSON.parse(line));
  } catch {
    yield { status: line };
  }
}
