import type { HttpsStatus } from '#shared/model/https.ts';
import { SlipwayError } from '#shared/errors.ts';
import type { KeyPair } from '../router/tls-gate.ts';
import type { Store } from '../store/store.ts';
import type { Clock } from '../util/clock.ts';
import { Mutex } from '../util/mutex.ts';
import { type Authority, openAuthority, readAuthority } from './authority.ts';
import { trustSteps } from './trust.ts';

/** Name of the option in the store. */
const OPTION = 'https';

/** What HTTPS needs of the rest of the engine. */
export interface HttpsOptions {
  /** Where the authority is kept. */
  readonly folder: string;
  readonly store: Pick<Store, 'options' | 'setOption'>;
  readonly clock: Clock;
  readonly platform: NodeJS.Platform;
  /** Has the router serve HTTPS. @throws SlipwayError `unavailable` when the port cannot be had */
  open(authority: KeyPair): Promise<{ readonly port: number }>;
  /** Has the router serve it no more. */
  close(): void;
  onChange(): void;
}

/**
 * HTTPS in front of the router: off until a person asks for it, on over restarts from then on. The authority behind it is made once, kept
 * in the data folder, and trusted by nobody until a person sees to that.
 */
export class Https {
  private readonly options: HttpsOptions;
  private readonly mutex = new Mutex();
  private port: number | null = null;
  private problem: string | null = null;
  private authority: Authority | null = null;

  constructor(options: HttpsOptions) {
    this.options = options;
  }

  /** Serves when it was on. That it cannot is no reason for the engine not to start: `status` tells. */
  async start(): Promise<void> {
    await this.mutex.run(async () => {
      try {
        if (this.wanted) await this.open();
        else this.authority = await readAuthority(this.options.folder, this.options.clock.now());
      } catch (error) {
        if (!(error instanceof SlipwayError)) throw error;
        this.problem = error.message;
      }
    });
  }

  /** Where it is served, or null. */
  get url(): string | null {
    return this.port === null ? null : `https://localhost:${this.port}`;
  }

  status(): HttpsStatus {
    const { authority } = this;
    if (authority === null)
      return { on: this.wanted, url: this.url, problem: this.problem, authority: null, trust: [] };
    const { path, fingerprint256, validUntil } = authority;
    const sha1 = authority.fingerprint.replaceAll(':', '');
    return {
      on: this.wanted,
      url: this.url,
      problem: this.problem,
      authority: { path, fingerprint: fingerprint256, validUntil },
      trust: trustSteps(this.options.platform, { path, sha1 }).map((step) => ({
        ...step,
        commands: step.commands.map((line) => line.replace('PORT', String(this.port ?? 'PORT'))),
      })),
    };
  }

  /**
   * Switches it on or off; makes the authority the first time.
   * @throws SlipwayError `unavailable` when port or authority cannot be had; it stays off then
   */
  set(on: boolean): Promise<HttpsStatus> {
    return this.mutex.run(async () => {
      if (on && this.port === null) await this.open();
      if (!on) {
        this.options.close();
        this.port = null;
      }
      this.problem = null;
      this.options.store.setOption(OPTION, on);
      this.options.onChange();
      return this.status();
    });
  }

  private get wanted(): boolean {
    return this.options.store.options()[OPTION] === true;
  }

  private async open(): Promise<void> {
    const { folder, clock } = this.options;
    this.authority = await openAuthority(folder, clock.now());
    ({ port: this.port } = await this.options.open(this.authority));
  }
}
