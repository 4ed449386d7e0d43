import { createPrivateKey, randomUUID, X509Certificate } from 'node:crypto';
import { chmod, mkdir, readFile, rename, writeFile } from 'node:fs/promises';
import { hostname } from 'node:os';
import { join } from 'node:path';
import { SlipwayError } from '#shared/errors.ts';
import type { KeyPair } from '../router/tls-gate.ts';

/** The authority of a data folder. */
export interface Authority extends KeyPair {
  /** File of the certificate, for those who shall trust it. */
  readonly path: string;
  /** SHA-256 and SHA-1 of the certificate. */
  readonly fingerprint256: string;
  readonly fingerprint: string;
  /** ISO 8601. */
  readonly validUntil: string;
}

/**
 * Reads the authority of a data folder.
 * @returns null when there is none
 * @throws SlipwayError `unavailable` when it is damaged or its time is over, with the next step
 */
export async function readAuthority(folder: string, now: number): Promise<Authority | null> {
  const files = filesIn(folder);
  const [certificate, key] = await Promise.all([readText(files.certificate), readText(files.key)]);
  if (certificate === null && key === null) return null;
  try {
    if (certificate === null || key === null) throw new Error('a file of it is missing');
    const parsed = new X509Certificate(certificate);
    if (!parsed.checkPrivateKey(createPrivateKey(key))) throw new Error('key and certificate do not fit');
    if (parsed.validToDate.getTime() <= now) throw new Error(`it ended on ${parsed.validTo}`);
    await chmod(files.key, 0o600);
    return {
      ...{ certificate, key, path: files.certificate },
      fingerprint256: parsed.fingerprint256,
      fingerprint: parsed.fingerprint,
      validUntil: parsed.validToDate.toISOString(),
    };
  } catch (error) {
    const reason = error instanceof Error ? error.message : String(error);
    throw new SlipwayError(
      'unavailable',
      `The authority in ${folder} cannot be used: ${reason}. Remove that folder and switch HTTPS on again; what trusted the old authority has to be told of the new one.`,
      { cause: error },
    );
  }
}

/** Same; makes an authority when there is none. Only its owner may read the key. */
export async function openAuthority(folder: string, now: number): Promise<Authority> {
  const found = await readAuthority(folder, now);
  if (found !== null) return found;
  const { createAuthority } = await import('./certificates.ts');
  const made = await createAuthority(hostname(), now);
  const files = filesIn(folder);
  await mkdir(folder, { recursive: true, mode: 0o700 });
  await write(files.key, made.key);
  await write(files.certificate, made.certificate);
  const read = await readAuthority(folder, now);
  if (read === null) throw new Error(`the authority vanished from ${folder}`);
  return read;
}

function filesIn(folder: string): { readonly certificate: string; readonly key: string } {
  return { certificate: join(folder, 'authority.pem'), key: join(folder, 'authority-key.pem') };
}

async function write(path: string, text: string): Promise<void> {
  const temporary = `${path}.${randomUUID()}`;
  await writeFile(temporary, text.endsWith('\n') ? text : `${text}\n`, { mode: 0o600, flush: true });
  await rename(temporary, path);
}

/** Null when there is no such file. */
function readText(path: string): Promise<string | null> {
  return readFile(path, 'utf8').catch((error: unknown) => {
    if (error instanceof Error && 'code' in error && error.code === 'ENOENT') return null;
    throw error;
  });
}
