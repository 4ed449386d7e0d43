import { type MessagePort, parentPort, workerData } from 'node:worker_threads';
import { systemClock } from '../util/clock.ts';
import { ListenError } from './listener.ts';
import type { RouterLogLine } from './log-batch.ts';
import { createRouter, type Router } from './router.ts';
import type { FromThread, LineColumns, ThreadData, ToThread } from './thread-messages.ts';

/** How long lines and counts are collected before the engine gets them, in milliseconds. */
const BATCH_MS = 20;
/**
 * Characters of lines that it gets at once, some 150 lines: where both threads share a processor, requests wait while it takes them, and
 * larger texts are given memory of their own, page by page.
 */
const BATCH_TEXT = 32 * 1024;

type Batch = FromThread & { kind: 'batch' };

/** Columns that grow. */
interface Columns {
  readonly appId: string;
  readonly at: number[];
  text: string;
  readonly status: number[];
}

/** A router in a thread of its own, led by messages of the engine's thread. */
class ThreadSide {
  readonly #port: MessagePort;
  readonly #router: Router;
  #lines: Columns[] = [];
  readonly #changed = new Set<string>();
  /** Spares most requests the look into the set. */
  #lastChanged = '';
  #scheduled = false;

  constructor(port: MessagePort, { limits }: ThreadData) {
    this.#port = port;
    this.#router = createRouter({
      clock: systemClock,
      limits,
      wake: (appId) => {
        // Whoever is woken sees that somebody waits.
        this.#flush();
        this.#tell({ kind: 'wake', appId });
      },
      log: (appId, lines) => {
        this.#collect(appId, lines);
      },
      countsChanged: (appId) => {
        if (appId === this.#lastChanged) return;
        this.#lastChanged = appId;
        this.#changed.add(appId);
        this.#schedule();
      },
    });
    port.on('message', (message: ToThread) => {
      void this.#hear(message);
    });
  }

  async #hear(message: ToThread): Promise<void> {
    if (message.kind === 'route') this.#router.setRoute(message.route);
    else if (message.kind === 'remove') this.#router.removeRoute(message.appId);
    else if (message.kind === 'listen') {
      const { port, hosts, shared } = message;
      await this.#listen(message.id, () => this.#router.listen(port, hosts, shared));
    } else if (message.kind === 'listenTls') {
      const { port, hosts, authority } = message;
      await this.#listen(message.id, () => this.#router.listenTls(port, hosts, authority));
    } else if (message.kind === 'closeTls') this.#router.closeTls();
    else if (message.kind === 'drained') {
      await this.#router.drained(message.dynoId, message.timeoutMs);
      this.#tell({ kind: 'answer', id: message.id });
    } else {
      await this.#router.close();
      this.#flush();
      this.#tell({ kind: 'answer', id: message.id });
    }
  }

  async #listen(id: number, open: () => Promise<{ readonly port: number }>): Promise<void> {
    try {
      const chosen = await open();
      this.#tell({ kind: 'answer', id, port: chosen.port });
    } catch (error) {
      if (!(error instanceof ListenError)) throw error;
      const { code, host } = error;
      this.#tell({ kind: 'answer', id, failure: { code, host, port: error.port } });
    }
  }

  #collect(appId: string, lines: readonly RouterLogLine[]): void {
    let columns = this.#lines.at(-1);
    if (columns?.appId !== appId) {
      columns = { appId, at: [], text: '', status: [] };
      this.#lines.push(columns);
    }
    for (const line of lines) {
      columns.at.push(line.at);
      columns.text += `${line.text}\n`;
      columns.status.push(line.status ?? 0);
    }
    if (columns.text.length < BATCH_TEXT) this.#schedule();
    else this.#tellBatch([]);
  }

  #schedule(): void {
    if (this.#scheduled) return;
    this.#scheduled = true;
    setTimeout(() => {
      this.#scheduled = false;
      this.#flush();
    }, BATCH_MS);
  }

  #flush(): void {
    const counts = [...this.#changed].map((appId) => [appId, this.#router.requestCounts(appId)] as const);
    this.#changed.clear();
    this.#lastChanged = '';
    this.#tellBatch(counts);
  }

  #tellBatch(counts: Batch['counts']): void {
    const lines = this.#lines.map(finished);
    this.#lines = [];
    if (lines.length > 0 || counts.length > 0) this.#tell({ kind: 'batch', lines, counts });
  }

  #tell(message: FromThread): void {
    this.#port.postMessage(message);
  }
}

function finished({ appId, at, text, status }: Columns): LineColumns {
  return { appId, at: Float64Array.from(at), text, status: Uint16Array.from(status) };
}

if (parentPort !== null) new ThreadSide(parentPort, workerData as ThreadData);
