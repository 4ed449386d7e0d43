import * as z from 'zod';

/** One way to have something trust the authority, for people to carry out themselves. */
export const TrustStep = z.object({
  /** Who will trust it, for example `Chromium and Chrome`. */
  title: z.string(),
  /** What has to be known before, or to be done by hand. */
  note: z.string().optional(),
  /** Lines for a terminal. */
  commands: z.array(z.string()),
  /** Lines that take it back. */
  undo: z.array(z.string()),
});
export type TrustStep = z.infer<typeof TrustStep>;

/** HTTPS in front of the router, and the authority behind its certificates. */
export const HttpsStatus = z.object({
  /** Whether a person wants it. */
  on: z.boolean(),
  /** Where it is served, as `https://localhost:PORT`; null while it is not. */
  url: z.string().nullable(),
  /** Why it is not served although it is on. */
  problem: z.string().nullable(),
  /** The authority of this data folder; null before HTTPS was switched on for the first time. */
  authority: z
    .object({
      /** Its certificate, a PEM file. */
      path: z.string(),
      /** SHA-256 of the certificate, as other programs show it. */
      fingerprint: z.string(),
      validUntil: z.string(),
    })
    .nullable(),
  /** How it comes to be trusted on this system. Nothing of it happens by itself. */
  trust: z.array(TrustStep),
});
export type HttpsStatus = z.infer<typeof HttpsStatus>;
