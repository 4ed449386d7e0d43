// The library below finds its parts by it.
import 'reflect-metadata';
import { randomBytes, webcrypto } from 'node:crypto';
import {
  AuthorityKeyIdentifierExtension,
  BasicConstraintsExtension,
  cryptoProvider,
  ExtendedKeyUsage,
  ExtendedKeyUsageExtension,
  KeyUsageFlags,
  KeyUsagesExtension,
  PemConverter,
  SubjectAlternativeNameExtension,
  SubjectKeyIdentifierExtension,
  X509Certificate,
  X509CertificateGenerator,
} from '@peculiar/x509';
import type { KeyPair } from '../router/tls-gate.ts';

const ALGORITHM = { name: 'ECDSA', namedCurve: 'P-256', hash: 'SHA-256' } as const;
const DAY = 86_400_000;
/** An authority's life. A certificate's life is below the 398 days that browsers take. */
const AUTHORITY_DAYS = 3650;
const LEAF_DAYS = 90;

cryptoProvider.set(webcrypto);

/**
 * Makes an authority that can make certificates for hosts and nothing else.
 * @param machine name that tells this authority from those of other machines and data folders
 */
export async function createAuthority(machine: string, now: number): Promise<KeyPair> {
  const keys = await webcrypto.subtle.generateKey(ALGORITHM, true, ['sign', 'verify']);
  const certificate = await X509CertificateGenerator.createSelfSigned({
    serialNumber: serialNumber(),
    name: [{ CN: [`Slipway on ${machine}`] }, { O: ['Slipway local authority'] }],
    ...lifetime(now, AUTHORITY_DAYS),
    signingAlgorithm: ALGORITHM,
    keys,
    extensions: [
      new BasicConstraintsExtension(true, 0, true),
      new KeyUsagesExtension(KeyUsageFlags.keyCertSign | KeyUsageFlags.cRLSign, true),
      await SubjectKeyIdentifierExtension.create(keys.publicKey),
    ],
  });
  return { certificate: certificate.toString('pem'), key: await pemOf(keys.privateKey) };
}

/** Makes certificates for hosts, all with one key that lives as long as this. */
export class LeafMaker {
  private readonly authority: Promise<{ certificate: X509Certificate; key: webcrypto.CryptoKey }>;
  private readonly keys = webcrypto.subtle.generateKey(ALGORITHM, true, ['sign', 'verify']);

  constructor(authority: KeyPair) {
    this.authority = importAuthority(authority);
  }

  /** A certificate for one host name. @returns it, the authority's behind it, with its key, and until when it is good to be used, milliseconds since the epoch */
  async make(hostname: string, now: number): Promise<KeyPair & { readonly until: number }> {
    const [authority, keys] = await Promise.all([this.authority, this.keys]);
    const names = [{ type: 'dns' as const, value: hostname }];
    const addresses = ['127.0.0.1', '::1'].map((value) => ({ type: 'ip' as const, value }));
    const certificate = await X509CertificateGenerator.create({
      serialNumber: serialNumber(),
      subject: [{ CN: [hostname.slice(0, 64)] }],
      issuer: authority.certificate.subject,
      ...lifetime(now, LEAF_DAYS),
      signingAlgorithm: ALGORITHM,
      publicKey: keys.publicKey,
      signingKey: authority.key,
      extensions: [
        new BasicConstraintsExtension(false, undefined, true),
        new KeyUsagesExtension(KeyUsageFlags.digitalSignature, true),
        new ExtendedKeyUsageExtension([ExtendedKeyUsage.serverAuth]),
        new SubjectAlternativeNameExtension([...names, ...(hostname === 'localhost' ? addresses : [])]),
        await SubjectKeyIdentifierExtension.create(keys.publicKey),
        await AuthorityKeyIdentifierExtension.create(authority.certificate),
      ],
    });
    return {
      certificate: `${certificate.toString('pem')}\n${authority.certificate.toString('pem')}\n`,
      key: await pemOf(keys.privateKey),
      until: now + (LEAF_DAYS / 2) * DAY,
    };
  }
}

async function importAuthority({
  certificate,
  key,
}: KeyPair): Promise<{ certificate: X509Certificate; key: webcrypto.CryptoKey }> {
  const [bytes = new ArrayBuffer(0)] = PemConverter.decode(key);
  return {
    certificate: new X509Certificate(certificate),
    key: await webcrypto.subtle.importKey('pkcs8', bytes, ALGORITHM, false, ['sign']),
  };
}

async function pemOf(key: webcrypto.CryptoKey): Promise<string> {
  return PemConverter.encode(await webcrypto.subtle.exportKey('pkcs8', key), 'PRIVATE KEY');
}

/** From yesterday, for clocks that are behind. */
function lifetime(now: number, days: number): { notBefore: Date; notAfter: Date } {
  return { notBefore: new Date(now - DAY), notAfter: new Date(now + days * DAY) };
}

/** Positive, and not to be guessed. */
function serialNumber(): string {
  return `01${randomBytes(15).toString('hex')}`;
}
