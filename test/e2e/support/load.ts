import { Agent, request } from 'node:http';

/** What became of the requests of a load. */
export interface LoadResult {
  readonly sent: number;
  /** One entry for each request that was not answered with 200: its status, or the error's code. */
  readonly failed: readonly string[];
  /** How often each body came. */
  readonly bodies: ReadonlyMap<string, number>;
}

/** A running load; `stop` ends it and gives its result once all answers are in. */
export interface Load {
  stop(): Promise<LoadResult>;
}

/**
 * Sends GET requests to an app through the router at a steady rate, over keep-alive connections.
 * @param perSecond requests a second; bounded by 1 000
 */
export function startLoad(options: {
  readonly routerPort: number;
  readonly app: string;
  readonly path: string;
  readonly perSecond: number;
}): Load {
  const agent = new Agent({ keepAlive: true, maxSockets: 64 });
  const failed: string[] = [];
  const bodies = new Map<string, number>();

  const one = async (): Promise<void> => {
    const answer = await get(options.routerPort, options.app, options.path, agent).catch(
      (error: unknown) => ({
        status: 0,
        body: error instanceof Error && 'code' in error ? String(error.code) : String(error),
      }),
    );
    if (answer.status === 200) bodies.set(answer.body, (bodies.get(answer.body) ?? 0) + 1);
    else failed.push(`${answer.status} ${answer.body.slice(0, 80)}`);
  };
  const stop = atRate(options.perSecond, one);
  return {
    async stop() {
      const sent = await stop();
      agent.destroy();
      return { sent, failed, bodies };
    },
  };
}

/**
 * Calls `one` at a steady rate, whether or not earlier calls are over.
 * @param perSecond calls a second; bounded by 1 000
 * @returns ends it, and gives the number of calls once all of them are over
 */
export function atRate(perSecond: number, one: () => Promise<void>): () => Promise<number> {
  const open = new Set<Promise<void>>();
  const started = performance.now();
  let sent = 0;
  const timer = setInterval(() => {
    const due = ((performance.now() - started) / 1000) * Math.min(perSecond, 1_000);
    while (sent < due) {
      sent += 1;
      const task = one().finally(() => open.delete(task));
      open.add(task);
    }
  }, 5);
  return async () => {
    clearInterval(timer);
    await Promise.all(open);
    return sent;
  };
}

/** One request to an app through the router. Node does not resolve `*.localhost`, so the name goes into the Host header. */
export function get(
  routerPort: number,
  app: string,
  path: string,
  agent?: Agent,
  method = 'GET',
): Promise<{ status: number; body: string }> {
  return new Promise((resolve, reject) => {
    const headers = { host: `${app}.localhost:${routerPort}` };
    const sending = request({
      host: '127.0.0.1',
      port: routerPort,
      path,
      method,
      headers,
      ...(agent ? { agent } : {}),
    });
    sending.on('response', (response) => {
      const chunks: Buffer[] = [];
      response.on('data', (chunk: Buffer) => chunks.push(chunk));
      response.on('end', () => {
        resolve({ status: response.statusCode ?? 0, body: Buffer.concat(chunks).toString() });
      });
      response.on('error', reject);
    });
    sending.on('error', reject);
    sending.end();
  });
}
