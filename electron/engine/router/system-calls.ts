import { createRequire } from 'node:module';
import { join } from 'node:path';
import { workerData } from 'node:worker_threads';
import type { ThreadData } from './thread-messages.ts';

/**
 * What the router asks of the system itself. Memory is given by its address (`addressOf`), and who gives it keeps it; results are the
 * system's own, so -1 is a failure and `errno()` tells which.
 */
export interface SystemCalls {
  socket(domain: number, type: number, protocol: number): number;
  /** Makes the number `to` another one of what is behind `from`; what it was before is closed. */
  dup3(from: number, to: number, flags: number): number;
  close(descriptor: number): number;
  epollCreate(flags: number): number;
  /** Of a descriptor; `event` is the address of an `epoll_event`. */
  epollControl(epoll: number, operation: number, descriptor: number, event: number): number;
  epollWait(epoll: number, events: number, count: number, timeoutMs: number): number;
  receive(descriptor: number, address: number, size: number, flags: number): number;
  send(descriptor: number, address: number, size: number, flags: number): number;
  errno(): number;
  /** Where the memory of an array is that has a buffer; it stays there as long as that is reachable. */
  addressOf(memory: Uint8Array | Int32Array): number;
}

interface Library {
  func(prototype: string): (...values: number[]) => number;
}

/** The part of koffi that is used here. */
interface Koffi {
  load(path: null): Library;
  errno(): number;
  address(memory: Uint8Array | Int32Array): bigint;
}

/** The system's calls for sockets, or null where this system has no epoll, or no binary of koffi that fits: `Wire` does without then. */
export const SYSTEM_CALLS: SystemCalls | null = process.platform === 'linux' ? load() : null;

function load(): SystemCalls | null {
  // The program of a thread is handed over as text and has no place of its own to look for modules from.
  const home = (workerData as Partial<ThreadData> | null)?.home ?? import.meta.dirname;
  try {
    const koffi = createRequire(join(home, 'router.js'))('koffi') as Koffi;
    const library = koffi.load(null);
    return {
      socket: library.func('int socket(int, int, int)'),
      dup3: library.func('int dup3(int, int, int)'),
      close: library.func('int close(int)'),
      epollCreate: library.func('int epoll_create1(int)'),
      epollControl: library.func('int epoll_ctl(int, int, int, uintptr_t)'),
      epollWait: library.func('int epoll_wait(int, uintptr_t, int, int)'),
      receive: library.func('long recv(int, uintptr_t, size_t, int)'),
      send: library.func('long send(int, uintptr_t, size_t, int)'),
      errno: () => koffi.errno(),
      addressOf: (memory) => Number(koffi.address(memory)),
    };
  } catch {
    return null;
  }
}
