import { createHash } from 'node:crypto';
import { readFile, stat } from 'node:fs/promises';
import * as tls from 'node:tls';

/** Certificate authorities that this machine trusts, for the inside of containers. */
export interface HostCertificates {
  readonly pem: string;
  /** Names the content; changes when the machine's trust changes. */
  readonly hash: string;
}

/** Where Linux systems keep the bundle, by family: Debian, Fedora, SUSE, Alpine and macOS. */
const BUNDLES = [
  '/etc/ssl/certs/ca-certificates.crt',
  '/etc/pki/tls/certs/ca-bundle.crt',
  '/etc/ssl/ca-bundle.pem',
  '/etc/ssl/cert.pem',
];
const CERTIFICATE = /-----BEGIN CERTIFICATE-----[\s\S]+?-----END CERTIFICATE-----/g;

/** Place of the bundle in containers. */
export const CA_BUNDLE = '/etc/ssl/certs/ca-certificates.crt';

/** Variables by which common programs find the bundle (reference: feasibility, "npm from containers"). */
export const CA_ENVIRONMENT: Readonly<Record<string, string>> = {
  SSL_CERT_FILE: CA_BUNDLE,
  NODE_EXTRA_CA_CERTS: CA_BUNDLE,
  CURL_CA_BUNDLE: CA_BUNDLE,
  PIP_CERT: CA_BUNDLE,
  REQUESTS_CA_BUNDLE: CA_BUNDLE,
  GIT_SSL_CAINFO: CA_BUNDLE,
};

let cached: { fingerprint: string; certificates: HostCertificates } | null = null;

/**
 * Gathers the certificates that this machine trusts: the system's bundle or store, and the files of SSL_CERT_FILE and
 * NODE_EXTRA_CA_CERTS; those built into Node when there are none. Cheap when nothing changed.
 */
export async function hostCertificates(
  env: Readonly<Record<string, string | undefined>>,
): Promise<HostCertificates> {
  const files = [env['SSL_CERT_FILE'], env['NODE_EXTRA_CA_CERTS'], ...BUNDLES].filter(
    (file) => file !== undefined,
  );
  const fingerprint = JSON.stringify(await Promise.all([...new Set(files)].map(fileFingerprint)));
  if (cached?.fingerprint === fingerprint) return cached.certificates;
  const fileTexts = await Promise.all(
    [...new Set(files)].map((file) => readFile(file, 'utf8').catch(() => '')),
  );
  const texts = [...fileTexts, ...systemStore()];
  const found = texts.flatMap((text) => text.match(CERTIFICATE) ?? []);
  if (found.length === 0) found.push(...tls.rootCertificates);
  const unique = [...new Map(found.map((pem) => [pem.replace(/\s/g, ''), pem])).entries()].sort(byFirst);
  const pem = `${unique.map(([, text]) => text).join('\n')}\n`;
  const certificates = { pem, hash: createHash('sha256').update(pem).digest('hex') };
  cached = { fingerprint, certificates };
  return certificates;
}

function byFirst(a: readonly [string, string], b: readonly [string, string]): number {
  return a[0] < b[0] ? -1 : 1;
}

async function fileFingerprint(file: string): Promise<string> {
  const facts = await stat(file).catch(() => null);
  return facts === null ? '' : `${file} ${String(facts.size)} ${String(facts.mtimeMs)}`;
}

/** The keychain or certificate store; on Linux it is the bundle file. */
function systemStore(): readonly string[] {
  if (process.platform === 'linux' || typeof tls.getCACertificates !== 'function') return [];
  try {
    return tls.getCACertificates('system');
  } catch {
    return [];
  }
}
