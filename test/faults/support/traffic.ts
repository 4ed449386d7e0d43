import { Agent } from 'node:http';
import { atRate, get } from '../../e2e/support/load.ts';

/** What became of the requests to one app. */
export interface TrafficResult {
  readonly sent: number;
  /** How often requests failed, by what came instead of 200: a status, or the code of a connection's error. */
  readonly failures: ReadonlyMap<string, number>;
  /** When the last request that failed was over, by `performance.now`; null when none did. */
  readonly lastFailureAt: number | null;
  /** The number up to which each process had said that its lines are written. */
  readonly acknowledged: ReadonlyMap<string, number>;
}

/** Requests that are being sent. */
export interface Traffic {
  /** Ends it once all answers are in. */
  stop(): Promise<TrafficResult>;
}

/** Sends `perSecond` requests a second to the restless app, over keep-alive connections, and notes what it answers. */
export function sendTraffic(routerPort: number, app: string, perSecond: number): Traffic {
  const agent = new Agent({ keepAlive: true, maxSockets: 64 });
  const failures = new Map<string, number>();
  const acknowledged = new Map<string, number>();
  let lastFailureAt: number | null = null;

  const one = async (): Promise<void> => {
    const { status, body } = await get(routerPort, app, '/', agent).catch((error: unknown) => ({
      status: error instanceof Error && 'code' in error ? String(error.code) : String(error),
      body: '',
    }));
    const [, instance, last] = /^ok (\w+) (\d+)$/.exec(body) ?? [];
    if (status === 200 && instance !== undefined)
      acknowledged.set(instance, Math.max(Number(last), acknowledged.get(instance) ?? 0));
    else {
      failures.set(String(status), (failures.get(String(status)) ?? 0) + 1);
      lastFailureAt = performance.now();
    }
  };
  const stop = atRate(perSecond, one);
  return {
    async stop() {
      const sent = await stop();
      agent.destroy();
      return { sent, failures, lastFailureAt, acknowledged };
    },
  };
}
