import { systemClock } from '../util/clock.ts';
import { addCounts, NO_COUNTS, type RequestCounts } from './counters.ts';
import { ROUTER_LIMITS, type RouterLimits } from './limits.ts';
import { LineMerger } from './line-merger.ts';
import { ListenError } from './listener.ts';
import type { RouterLogLine } from './log-batch.ts';
import type { Router, RouterOptions } from './router.ts';
import type { Route } from './routing-table.ts';
import type { KeyPair } from './tls-gate.ts';
import { RouterThread, startWorker, type StartWorker, type ThreadAnswer } from './thread.ts';
import type { FromThread, LineColumns } from './thread-messages.ts';

export interface ThreadedRouterOptions extends Pick<RouterOptions, 'log' | 'wake' | 'limits'> {
  /** Told when a thread ended that should not have; another one takes its place. */
  readonly onProblem: (what: string, error: unknown) => void;
  /**
   * How many threads take requests; more than one only where the system spreads connections over them (Linux). One unless given.
   * Their lines wait a moment for each other, to be in order.
   */
  readonly threads?: number;
  /** Differs for tests. */
  readonly startWorker?: StartWorker;
}

/** Waits before a thread is started again, in milliseconds; the last one is for all further times. */
const RESTART_MS = [0, 100, 1_000, 5_000];
/** A thread that has served this long begins anew with the shortest wait, in milliseconds. */
const STABLE_MS = 10_000;
/** Time for a port to become free after the end of the thread that had it, in milliseconds. */
const PORT_WAIT_MS = 50;
const PORT_TRIES = 100;

/**
 * A router whose requests are served by threads of their own, so that they do not wait while the engine's thread is busy.
 * Routes are published to the threads in order: `setRoute` returns before they are in force, `drained` waits until they are.
 */
export function createThreadedRouter(options: ThreadedRouterOptions): Router {
  return new ThreadedRouter(options);
}

interface Ports {
  readonly port: number;
  readonly hosts: readonly string[];
}

/** A place for a thread, and what its present thread has told. */
interface Place {
  thread: RouterThread;
  startedAt: number;
  /** Times in a row that its thread ended soon. */
  failures: number;
  counts: Map<string, RequestCounts>;
}

class ThreadedRouter implements Router {
  readonly #options: ThreadedRouterOptions;
  readonly #limits: Partial<RouterLimits>;
  readonly #places: Place[];
  readonly #routes = new Map<string, Route>();
  /** Requests that ended in threads that are gone. */
  readonly #past = new Map<string, RequestCounts>();
  /** Null where one thread's order is the order. */
  readonly #merger: LineMerger | null;
  #listening: Ports | null = null;
  /** HTTPS is served by the first thread alone. */
  #tls: (Ports & { readonly authority: KeyPair }) | null = null;
  #closed = false;

  constructor(options: ThreadedRouterOptions) {
    const threads = process.platform === 'linux' ? (options.threads ?? 1) : 1;
    const { backlogPerDyno, clientConnections } = { ...ROUTER_LIMITS, ...options.limits };
    this.#options = options;
    // Each thread sees its own requests only.
    this.#limits = {
      ...options.limits,
      backlogPerDyno: Math.ceil(backlogPerDyno / threads),
      clientConnections: Math.ceil(clientConnections / threads),
    };
    this.#merger = threads === 1 ? null : new LineMerger(systemClock, options.log);
    this.#places = Array.from({ length: threads }, (_, index) => this.#newPlace(index));
  }

  setRoute(route: Route): void {
    this.#routes.set(route.appId, route);
    for (const { thread } of this.#places) thread.tell({ kind: 'route', route });
  }

  removeRoute(appId: string): void {
    this.#routes.delete(appId);
    this.#past.delete(appId);
    for (const { thread, counts } of this.#places) {
      counts.delete(appId);
      thread.tell({ kind: 'remove', appId });
    }
  }

  async drained(dynoId: string, timeoutMs: number): Promise<void> {
    // What else this turn publishes comes first. A thread that has died has no request in flight any more.
    await new Promise((resolve) => setImmediate(resolve));
    await this.#askAll(({ thread }) => thread.ask({ kind: 'drained', dynoId, timeoutMs }));
  }

  requestCounts(appId: string): RequestCounts {
    const all = this.#places.map(({ counts }) => counts.get(appId) ?? NO_COUNTS);
    return all.reduce(addCounts, this.#past.get(appId) ?? NO_COUNTS);
  }

  async listen(port: number, hosts: readonly string[]): Promise<{ readonly port: number }> {
    let chosen = port;
    for (const { thread } of this.#places) chosen = await this.#listenIn(thread, chosen, hosts);
    this.#listening = { port: chosen, hosts };
    return { port: chosen };
  }

  async listenTls(
    port: number,
    hosts: readonly string[],
    authority: KeyPair,
  ): Promise<{ readonly port: number }> {
    this.#tls = null;
    const [first] = this.#places;
    const chosen = portOf(
      await first?.thread.ask({ kind: 'listenTls', port, hosts, authority }),
      port,
      hosts,
    );
    this.#tls = { port: chosen, hosts, authority };
    return { port: chosen };
  }

  closeTls(): void {
    this.#tls = null;
    this.#places[0]?.thread.tell({ kind: 'closeTls' });
  }

  async close(): Promise<void> {
    this.#closed = true;
    await this.#askAll(({ thread }) => thread.ask({ kind: 'close' }));
    await Promise.all(this.#places.map(({ thread }) => thread.end()));
    this.#merger?.flush();
  }

  #newPlace(index: number): Place {
    return { thread: this.#startThread(index), startedAt: performance.now(), failures: 0, counts: new Map() };
  }

  #startThread(index: number): RouterThread {
    const start = this.#options.startWorker ?? startWorker;
    return new RouterThread(
      start({ limits: this.#limits, home: import.meta.dirname }),
      (message) => {
        this.#hear(index, message);
      },
      (error) => {
        this.#onDeath(index, error);
      },
    );
  }

  async #askAll(ask: (place: Place) => Promise<ThreadAnswer>): Promise<void> {
    await Promise.all(this.#places.map(ask));
  }

  /** @throws ListenError */
  async #listenIn(thread: RouterThread, port: number, hosts: readonly string[]): Promise<number> {
    const shared = this.#places.length > 1;
    return portOf(await thread.ask({ kind: 'listen', port, hosts, shared }), port, hosts);
  }

  #hear(index: number, message: FromThread): void {
    if (message.kind === 'wake') this.#options.wake?.(message.appId);
    if (message.kind !== 'batch') return;
    const counts = this.#places[index]?.counts;
    for (const [appId, read] of message.counts) if (this.#routes.has(appId)) counts?.set(appId, read);
    for (const columns of message.lines) {
      if (this.#merger === null) this.#options.log(columns.appId, linesOf(columns));
      else this.#merger.add(columns.appId, linesOf(columns));
    }
  }

  #onDeath(index: number, error: unknown): void {
    const place = this.#places[index];
    if (place === undefined || this.#closed) return;
    for (const [appId, counts] of place.counts)
      this.#past.set(appId, addCounts(this.#past.get(appId) ?? NO_COUNTS, { ...counts, inFlight: 0 }));
    place.counts = new Map();
    const soon = performance.now() - place.startedAt < STABLE_MS;
    place.failures = soon ? place.failures + 1 : 0;
    const wait = RESTART_MS[Math.min(place.failures, RESTART_MS.length - 1)] ?? 0;
    this.#options.onProblem('a thread of the router ended and is started again', error);
    setTimeout(() => {
      if (this.#closed) return;
      place.thread = this.#startThread(index);
      place.startedAt = performance.now();
      this.#bringUp(place.thread).catch((reason: unknown) => {
        this.#options.onProblem('a new thread of the router does not listen', reason);
      });
    }, wait);
  }

  /** Gives a new thread what the one before it had. */
  async #bringUp(thread: RouterThread): Promise<void> {
    for (const route of this.#routes.values()) thread.tell({ kind: 'route', route });
    if (this.#listening !== null) {
      const { port, hosts } = this.#listening;
      await this.#untilFree(thread, () => this.#listenIn(thread, port, hosts));
    }
    if (this.#tls === null || thread !== this.#places[0]?.thread) return;
    const { port, hosts, authority } = this.#tls;
    await this.#untilFree(thread, async () =>
      portOf(await thread.ask({ kind: 'listenTls', port, hosts, authority }), port, hosts),
    );
  }

  /** Opens a port that the thread before may still have. */
  async #untilFree(thread: RouterThread, listen: () => Promise<number>): Promise<void> {
    for (let tries = 1; thread.alive && !this.#closed; tries++) {
      try {
        await listen();
        return;
      } catch (error) {
        if (!thread.alive) return;
        if (tries >= PORT_TRIES) throw error;
      }
      await new Promise((resolve) => setTimeout(resolve, PORT_WAIT_MS));
    }
  }
}

/** @throws ListenError */
function portOf(answer: ThreadAnswer | undefined, port: number, hosts: readonly string[]): number {
  if (answer?.port !== undefined) return answer.port;
  const { code, host, port: wanted } = answer?.failure ?? { code: 'ECANCELED', host: hosts.join(), port };
  throw new ListenError(code, host, wanted, undefined);
}

function linesOf({ at, text, status }: LineColumns): RouterLogLine[] {
  const texts = text.split('\n');
  // The last line has an end as well.
  texts.pop();
  return texts.map((line, index) => ({ at: at[index] ?? 0, text: line, status: status[index] || null }));
}
