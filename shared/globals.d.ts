/** What every runtime of ours has, browser and Node alike. */
declare function setTimeout<Values extends unknown[]>(
  run: (...values: Values) => void,
  ms: number,
  ...values: Values
): unknown;
declare function queueMicrotask(run: () => void): void;
declare function structuredClone<Value>(value: Value): Value;

interface AbortSignal {
  readonly aborted: boolean;
  addEventListener(type: 'abort', listener: () => void, options?: { once?: boolean }): void;
  removeEventListener(type: 'abort', listener: () => void): void;
}

declare class AbortController {
  readonly signal: AbortSignal;
  abort(reason?: unknown): void;
}

declare class TextEncoder {
  encode(text: string): Uint8Array;
}

interface File {
  readonly name: string;
}
