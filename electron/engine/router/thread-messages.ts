import type { RequestCounts } from './counters.ts';
import type { RouterLimits } from './limits.ts';
import type { Route } from './routing-table.ts';
import type { KeyPair } from './tls-gate.ts';

/** What a thread of the router is given when it begins. */
export interface ThreadData {
  readonly limits: Partial<RouterLimits>;
  /** The folder from which the thread looks for modules that are no part of its program. */
  readonly home: string;
}

/** What the engine says to a thread; what is said first is done first. `id` names the question in its answer. */
export type ToThread =
  | {
      readonly kind: 'listen';
      readonly id: number;
      readonly port: number;
      readonly hosts: readonly string[];
      readonly shared: boolean;
    }
  | {
      readonly kind: 'listenTls';
      readonly id: number;
      readonly port: number;
      readonly hosts: readonly string[];
      readonly authority: KeyPair;
    }
  | { readonly kind: 'closeTls' }
  | { readonly kind: 'route'; readonly route: Route }
  | { readonly kind: 'remove'; readonly appId: string }
  | {
      readonly kind: 'drained';
      readonly id: number;
      readonly dynoId: string;
      readonly timeoutMs: number;
    }
  | { readonly kind: 'close'; readonly id: number };

/** Lines of one app's requests in their order, as columns: a few large things are copied between threads for less than many small ones. */
export interface LineColumns {
  readonly appId: string;
  readonly at: Float64Array;
  /** The lines, each with its end. */
  readonly text: string;
  /** 0 where there is none. */
  readonly status: Uint16Array;
}

/** Where the port could not be had; see `ListenError`. */
export interface ListenFailure {
  readonly code: string;
  readonly host: string;
  readonly port: number;
}

/** What a thread says to the engine. */
export type FromThread =
  | { readonly kind: 'wake'; readonly appId: string }
  | {
      readonly kind: 'batch';
      readonly lines: readonly LineColumns[];
      /** Of the apps whose counts have changed. */
      readonly counts: readonly (readonly [appId: string, RequestCounts])[];
    }
  | {
      readonly kind: 'answer';
      readonly id: number;
      /** Of `listen`, when it went well. */
      readonly port?: number;
      readonly failure?: ListenFailure;
    };
