import type { Socket } from 'node:net';

/** One write that a connection is asked for. Free again at once unless the system could not take all of it. */
export interface WriteRequest {
  /** Called for a write that had to wait, with 0 or a negative error of the system. */
  oncomplete: ((status: number) => void) | null;
  /** What is written, kept as long as the write waits. */
  buffer: Uint8Array | null;
}

/** What a socket of Node reads and writes with. Writes answer 0 or a negative error of the system. */
export interface RawHandle {
  /** Called with what came: how much of the buffer, or why nothing comes, is in `state`. */
  onread: (bytes?: ArrayBuffer) => unknown;
  /** Node's own mark of a handle that is being read. */
  reading: boolean;
  readStart(): number;
  readStop(): number;
  useUserBuffer(buffer: Uint8Array): void;
  writeBuffer(request: WriteRequest, bytes: Uint8Array): number;
}

/** What all handles share. */
export interface RawStream {
  readonly WriteWrap: new () => WriteRequest;
  /** What the last call of a handle, or to one, has to tell, by the indices below. */
  readonly streamBaseState: Int32Array;
  readonly kReadBytesOrError: number;
  readonly kLastWriteWasAsync: number;
}

/** A handle of a TCP connection. */
interface TcpHandle extends RawHandle {
  /** Of an open connection. */
  readonly fd: number;
}

interface RawTcp {
  readonly TCP: new (kind: number) => TcpHandle;
}

/**
 * The layer below Node's streams, as `process.binding` gives it, or null where a Node has it no more or not in this form: then
 * connections go the public way, which does the same and costs about a tenth more for a request.
 */
export const RAW_STREAM: RawStream | null = findStream();
const RAW_TCP: RawTcp | null = findTcp();

function bindingOf<T>(name: string): Partial<T> {
  const { binding } = process as unknown as { binding?: (name: string) => Partial<T> };
  return binding?.(name) ?? {};
}

function findStream(): RawStream | null {
  try {
    const found = bindingOf<RawStream>('stream_wrap');
    const whole =
      typeof found.WriteWrap === 'function' &&
      found.streamBaseState instanceof Int32Array &&
      typeof found.kReadBytesOrError === 'number' &&
      typeof found.kLastWriteWasAsync === 'number';
    return whole ? (found as RawStream) : null;
  } catch {
    return null;
  }
}

/** The handle of a connected socket, or null when it has none that can be used without the socket. */
export function rawHandleOf(socket: Socket): RawHandle | null {
  const { _handle: handle } = socket as { _handle?: Partial<RawHandle> | null };
  const whole =
    RAW_STREAM !== null &&
    handle != null &&
    typeof handle.onread === 'function' &&
    typeof handle.useUserBuffer === 'function' &&
    typeof handle.writeBuffer === 'function';
  return whole ? (handle as RawHandle) : null;
}

function findTcp(): RawTcp | null {
  try {
    const found = bindingOf<RawTcp>('tcp_wrap');
    return typeof found.TCP === 'function' ? (found as RawTcp) : null;
  } catch {
    return null;
  }
}

/** The descriptor of a handle that is a TCP connection and nothing above it, as TLS is; else -1. */
export function descriptorOf(handle: RawHandle): number {
  return RAW_TCP !== null && handle instanceof RAW_TCP.TCP ? handle.fd : -1;
}

/** Whether a socket still has its handle, so that the descriptor is its own and not closed and given to another one. */
export function isOpen(socket: Socket, handle: RawHandle | null): boolean {
  return (socket as { _handle?: unknown })._handle === handle;
}
