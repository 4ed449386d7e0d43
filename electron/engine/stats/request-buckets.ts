import { type AppStats, REQUEST_BUCKET_SECONDS, REQUEST_BUCKETS } from '#shared/model/stats.ts';

const BUCKET_MS = REQUEST_BUCKET_SECONDS * 1000;

/** Counts of one app in a ring; `last` is the bucket of the newest count. */
interface Ring {
  last: number;
  readonly requests: Uint32Array;
  readonly errors: Uint32Array;
}

/** Requests and failed requests of each app, in buckets of ten seconds: a few additions for each request, no timer. */
export class RequestBuckets {
  private readonly rings = new Map<string, Ring>();

  /**
   * Counts a request that ended.
   * @param status of the answer, or null when there was none
   * @param at milliseconds since the epoch
   */
  count(appId: string, status: number | null, at: number): void {
    const bucket = Math.floor(at / BUCKET_MS);
    const ring = this.rings.get(appId) ?? this.add(appId, bucket);
    if (bucket > ring.last) advance(ring, bucket);
    // A clock that was set back counts into the newest bucket.
    const index = ring.last % REQUEST_BUCKETS;
    ring.requests[index] = (ring.requests[index] ?? 0) + 1;
    if (status !== null && status >= 500) ring.errors[index] = (ring.errors[index] ?? 0) + 1;
  }

  /** Buckets up to now of the apps that had a request in them, oldest first; the last bucket is still being filled. */
  read(at: number): AppStats[] {
    const bucket = Math.floor(at / BUCKET_MS);
    this.forgetOld(bucket);
    return [...this.rings].map(([app, ring]) => {
      const newest = Math.max(bucket, ring.last);
      return {
        app,
        requests: ordered(ring, ring.requests, newest),
        errors: ordered(ring, ring.errors, newest),
      };
    });
  }

  private add(appId: string, bucket: number): Ring {
    this.forgetOld(bucket);
    const ring = {
      last: bucket,
      requests: new Uint32Array(REQUEST_BUCKETS),
      errors: new Uint32Array(REQUEST_BUCKETS),
    };
    this.rings.set(appId, ring);
    return ring;
  }

  private forgetOld(bucket: number): void {
    for (const [appId, ring] of this.rings)
      if (bucket - ring.last >= REQUEST_BUCKETS) this.rings.delete(appId);
  }
}

function advance(ring: Ring, bucket: number): void {
  const first = Math.max(ring.last + 1, bucket - REQUEST_BUCKETS + 1);
  for (let each = first; each <= bucket; each += 1) {
    ring.requests[each % REQUEST_BUCKETS] = 0;
    ring.errors[each % REQUEST_BUCKETS] = 0;
  }
  ring.last = bucket;
}

function ordered(ring: Ring, counts: Uint32Array, newest: number): number[] {
  return Array.from({ length: REQUEST_BUCKETS }, (_, at) => {
    const bucket = newest - REQUEST_BUCKETS + 1 + at;
    return bucket > ring.last || bucket <= ring.last - REQUEST_BUCKETS
      ? 0
      : (counts[bucket % REQUEST_BUCKETS] ?? 0);
  });
}
