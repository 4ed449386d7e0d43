import { Answer } from './answer.ts';
import type { AppEntry } from './app-table.ts';
import type { ClientLink } from './client-link.ts';
import { DynoConnection, type DynoUser, type NoConnection } from './dyno-connection.ts';
import type { DynoEntry } from './dyno-entry.ts';
import { sendDynoHead } from './dyno-head.ts';
import { DynoSearch, type Searching } from './dyno-search.ts';
import { noSuchApp } from './error-pages.ts';
import { FAILURES, type FailureKey } from './failures.ts';
import type { Plane } from './plane.ts';
import { RequestBody } from './request-body.ts';
import type { RequestHead } from './request-head.ts';
import { type Phase, Transfer } from './transfer.ts';

/** Methods that may be sent twice (RFC 9110, 9.2.2). */
const REPEATABLE = new Set(['GET', 'HEAD', 'OPTIONS', 'TRACE', 'PUT', 'DELETE']);

/** One request of a client from its head to its line in the log. Here is how it comes to a dyno, in `Transfer` what follows. */
export class Exchange extends Transfer implements DynoUser, Searching {
  readonly client: ClientLink;
  started = false;
  endsWithConnection = false;

  readonly #repeatable: boolean;
  protected readonly body: RequestBody | null;
  #expectsContinue: boolean;
  protected phase: Phase = 'fresh';
  protected connection: DynoConnection | null = null;
  protected lease: DynoEntry | null = null;
  protected answer: Answer | null = null;
  #mayReuse = true;
  protected readonly search: DynoSearch;
  #connectBegan = 0;

  constructor(plane: Plane, client: ClientLink, app: AppEntry, head: RequestHead) {
    super(plane, client, app, head);
    this.client = client;
    this.#expectsContinue = head.expectsContinue;
    this.#repeatable = REPEATABLE.has(head.method) && !head.upgrade;
    this.search = new DynoSearch(this, client.timer);
    this.body = head.body === 'none' ? null : new RequestBody(this.#repeatable, plane.limits.replayBytes);
  }

  /** Brings the request to a dyno, now or when there is one. */
  begin(): void {
    const dynos = Math.max(1, this.app.dynos.length);
    if (this.app.counters.inFlight > this.plane.limits.backlogPerDyno * dynos) this.#overflow();
    else this.#dispatch();
  }

  again(): void {
    this.#dispatch();
    this.flush();
  }

  onConnect(): void {
    const connection = this.connection;
    if (connection === null) return;
    const now = this.plane.clock.steady();
    this.connectMs = now - this.#connectBegan;
    if (connection.entry.inRoute) {
      this.#send(connection, now);
      this.flush();
    } else {
      this.connection = null;
      connection.destroy();
      this.again();
    }
  }

  onNoConnection(kind: NoConnection): void {
    const dyno = this.connection?.entry;
    this.connection = null;
    if (dyno === undefined) return;
    if (kind === 'no-room') {
      this.fail('H99');
      return;
    }
    if (dyno.inRoute) {
      dyno.quarantine();
      this.search.note(kind, dyno, this.plane.clock.steady() - this.#connectBegan);
    }
    this.again();
  }

  onEnd(): void {
    if (this.phase === 'tunnel') this.finish();
    else if (this.answer?.onEnd() === false) this.#onDynoGone();
  }

  onClose(): void {
    if (this.phase === 'tunnel') this.finish();
    else this.#onDynoGone();
  }

  /** Brings the request to a dyno, if there is one. */
  #dispatch(): void {
    const found = this.search.next();
    if (typeof found === 'object') this.#reach(found);
    else if (found === 'held' || found === 'asleep') {
      this.phase = 'held';
      // May bring a route at once.
      if (found === 'asleep') this.plane.wake(this.appId);
    } else if (found === 'gone') this.#onAppGone();
    else this.fail(found);
  }

  /** More requests are in flight than may be; what the app's state says of this one comes first. */
  #overflow(): void {
    const found = this.search.next();
    this.fail(typeof found === 'string' && found in FAILURES ? (found as FailureKey) : 'H11');
  }

  #reach(dyno: DynoEntry): void {
    const { limits, wheel } = this.plane;
    const maxIdleMs = this.#repeatable ? limits.poolIdleMs : limits.poolIdleOnceMs;
    const idle = this.#mayReuse ? dyno.take(maxIdleMs, this.startedAt) : null;
    if (idle !== null) {
      idle.use(this);
      this.connection = idle;
      this.connectMs = 0;
      this.#send(idle, this.phase === 'fresh' ? this.startedAt : this.plane.clock.steady());
      return;
    }
    wheel.clear(this.client.timer);
    this.phase = 'connecting';
    this.#connectBegan = this.plane.clock.steady();
    this.connection = new DynoConnection(dyno, this);
  }

  #send(connection: DynoConnection, now: number): void {
    const { wire, entry } = connection;
    const { client } = this;
    this.phase = 'sending';
    this.sentAt = now;
    this.lease = entry;
    entry.begin();
    this.dyno = entry.backend.name;
    this.answer = new Answer(this);
    sendDynoHead(wire, this, this.fwd === client.address ? client.originLines : null);
    if (this.#expectsContinue) {
      this.#expectsContinue = false;
      client.wire.text('HTTP/1.1 100 Continue\r\n\r\n');
      client.wire.flush();
    }
    this.body?.attach(wire);
    client.wire.resume();
  }

  /** The dyno's connection broke, and its answer is not whole. */
  #onDynoGone(): void {
    const connection = this.connection;
    const silent = this.answer?.isSilent === true;
    if (connection === null) return;
    if (!silent) this.fail('H18');
    else if (connection.reused && this.#repeatable && this.body?.repeatable !== false) {
      this.giveBack();
      this.body?.detach();
      this.#mayReuse = false;
      this.again();
    } else this.fail('H13');
  }

  #onAppGone(): void {
    this.settle(404, null);
    this.client.page(noSuchApp(this.host), this.method, false);
    this.client.next();
  }
}
