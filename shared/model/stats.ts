import * as z from 'zod';

/** Seconds that one figure of `requests` covers, and how many the first sample holds. */
export const REQUEST_BUCKET_SECONDS = 10;
export const REQUEST_BUCKETS = 60;

/** Requests of one app. */
export const AppStats = z.object({
  /** The app's id. */
  app: z.string(),
  /** Requests that the router answered, in each bucket, oldest first; the last one is still being filled. */
  requests: z.array(z.number().int().nonnegative()).max(REQUEST_BUCKETS),
  /** Answers of 500 and more in the same buckets. */
  errors: z.array(z.number().int().nonnegative()).max(REQUEST_BUCKETS),
});
export type AppStats = z.infer<typeof AppStats>;

const Count = z.number().int().nonnegative();
const Milliseconds = z.number().nonnegative();

/** What the router has done for one app since the engine started. */
export const AppTraffic = z.object({
  /** The app's id. */
  app: z.string(),
  /** Requests that ended, and that have not. */
  total: Count,
  inFlight: Count,
  /** Requests that ended, by the first digit of their status. */
  byClass: z.object({ '1xx': Count, '2xx': Count, '3xx': Count, '4xx': Count, '5xx': Count }),
  /** Bytes of bodies that clients sent and got. */
  bytesIn: Count,
  bytesOut: Count,
  /** Times within which dynos served 50, 95 and 99 of a hundred requests of the last five to ten minutes; null without any. */
  service: z.object({ p50: Milliseconds, p95: Milliseconds, p99: Milliseconds }).nullable(),
});
export type AppTraffic = z.infer<typeof AppTraffic>;

/** Memory of one running dyno. */
export const DynoStats = z.object({
  dyno: z.string(),
  app: z.string(),
  memoryMiB: z.number().nonnegative(),
  quotaMiB: z.number().positive(),
});
export type DynoStats = z.infer<typeof DynoStats>;

/** What apps and dynos use right now. */
export const StatsSample = z.object({
  /** ISO 8601. */
  at: z.string(),
  apps: z.array(AppStats),
  traffic: z.array(AppTraffic),
  dynos: z.array(DynoStats),
  machine: z.object({ totalMiB: z.number(), freeMiB: z.number() }),
});
export type StatsSample = z.infer<typeof StatsSample>;
