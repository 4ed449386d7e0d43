import * as z from 'zod';

/** Most buildpacks of one app. */
export const MAX_BUILDPACKS = 30;

/** Where a buildpack comes from. */
export type BuildpackPlace =
  /** Name in the registry, or one of ours: `heroku/nodejs`. */
  | { readonly kind: 'name'; readonly name: string }
  | { readonly kind: 'git'; readonly url: string; readonly ref: string | null }
  /** A gzipped tar. */
  | { readonly kind: 'archive'; readonly url: string }
  /** A folder of the engine's machine, absolute or beginning with `~/`. */
  | { readonly kind: 'folder'; readonly path: string };

const NAME = /^[A-Za-z0-9_.-]{1,64}\/[A-Za-z0-9_.-]{1,64}$/;
const URN = /^urn:buildpack:/i;
const ARCHIVE = /\.(tgz|tar\.gz)$/i;
const SCP = /^[A-Za-z0-9_.-]+@[A-Za-z0-9.-]+:[^\s-]/;
/** Protocol, host with all that belongs to it, path, ref. */
const URL_PARTS = /^([a-z]+:)\/\/([^/?#]*)([^?#]*)(?:\?[^#]*)?(#.*)?$/i;
const GIT_PROTOCOLS = ['https:', 'http:', 'ssh:', 'git:', 'file:'];

/**
 * Reads a buildpack as people write it: a name, a URN, a git URL with an optional `#ref`, the URL of a .tgz or .tar.gz, or a folder
 * (reference: heroku-platform 2.4).
 * @returns null when it is none of them
 */
export function readBuildpack(text: string): BuildpackPlace | null {
  // A control character or a leading dash would mean something to git.
  if (/[\0-\x20\x7f]/.test(text.trim()) && !isPath(text)) return null;
  const written = text.trim().replace(URN, '');
  if (/^file:\/\/\//i.test(written)) return readFile(written);
  if (isPath(written)) return written.includes('\0') ? null : { kind: 'folder', path: written };
  if (NAME.test(written) && !written.includes('..')) return { kind: 'name', name: written.toLowerCase() };
  if (SCP.test(written)) return { kind: 'git', ...splitRef(written) };
  return readUrl(written);
}

function isPath(text: string): boolean {
  return /^(\/|~\/|[A-Za-z]:[\\/])/.test(text.trim());
}

function readUrl(text: string): BuildpackPlace | null {
  const [, protocol = '', host = '', path = ''] = URL_PARTS.exec(text) ?? [];
  if (!GIT_PROTOCOLS.includes(protocol.toLowerCase()) || host === '') return null;
  if (/^https?:/i.test(protocol) && ARCHIVE.test(path))
    return { kind: 'archive', url: text.replace(/#.*$/, '') };
  const { url: address, ref } = splitRef(text);
  return ref?.startsWith('-') === true ? null : { kind: 'git', url: address, ref };
}

/** A file URL is a folder, a git repository when it names a ref or ends so, or an archive. */
function readFile(text: string): BuildpackPlace | null {
  const [, , , path = '', hash = ''] = URL_PARTS.exec(text) ?? [];
  if (ARCHIVE.test(path)) return { kind: 'archive', url: text };
  if (hash !== '' || /\.git\/?$/.test(path)) return { kind: 'git', ...splitRef(text) };
  return /%(?![0-9a-f]{2})/i.test(path) ? null : { kind: 'folder', path: decodeURIComponent(path) };
}

function splitRef(text: string): { url: string; ref: string | null } {
  const at = text.indexOf('#');
  const ref = at < 0 ? '' : text.slice(at + 1);
  return { url: at < 0 ? text : text.slice(0, at), ref: ref === '' ? null : ref };
}

/** A buildpack of an app's list. */
export const BuildpackRef = z
  .string()
  .trim()
  .min(1)
  .max(2_000)
  .refine(
    (text) => readBuildpack(text) !== null,
    'a buildpack is a name such as heroku/nodejs, a git URL (with #ref), the URL of a .tgz or .tar.gz, or a folder',
  );

/** The same without the parts of a URL that are secret, for logs. */
export function publicBuildpack(text: string): string {
  return text.replace(/^([a-z+]+:\/\/)[^/@]+@/i, '$1');
}

/** What an app's builds use. */
export const AppBuildpacks = z.object({
  /** The list that was set, in order; empty when none was. */
  buildpacks: z.array(z.string()),
  /** Config var BUILDPACK_URL, which takes the place of the list. */
  override: z.string().nullable(),
  /** The one that an earlier build found by itself, used while nothing else is said. */
  detected: z.string().nullable(),
});
export type AppBuildpacks = z.infer<typeof AppBuildpacks>;
