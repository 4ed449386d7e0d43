import type { SystemCalls } from './system-calls.ts';

/** Tells at each turn of Node's loop that a descriptor has something to say, as long as it has. */
export interface Alarm {
  /** The descriptor's number from now on; closed when the thread ends. */
  readonly descriptor: number;
  /** The process lives as long as it waits. */
  ref(): void;
  unref(): void;
}

/** Opens an alarm, which does not keep the process alive yet. @throws Error when the system does not have it */
export type OpenAlarm = (descriptor: number, onAlarm: () => void) => Alarm;

/** A handle of Node for datagrams. Answers are 0 or a negative error of the system. */
interface DatagramHandle {
  /** Called with what came, or with why nothing can be received. */
  onmessage: () => void;
  open(descriptor: number): number;
  recvStart(): number;
  close(): void;
  ref(): void;
  unref(): void;
}

type NewHandle = new () => DatagramHandle;

const UNIX = 1;
const DATAGRAM = 2;
const CLOSE_ON_EXEC = 0o2000000;

/**
 * Alarms for descriptors that Node has no event for. Node is given a socket for datagrams, and then what is behind its number becomes what
 * is watched: nothing can be received from that, which a handle for datagrams tells each time and takes for no end. A stream's handle
 * would end at that, and who watches many sockets behind one descriptor pays for all of them each time it is watched anew.
 */
export function alarmsBy(calls: SystemCalls): OpenAlarm | null {
  const Handle = datagramHandle();
  if (Handle === null) return null;
  return (descriptor, onAlarm) => {
    const handle = new Handle();
    const number = calls.socket(UNIX, DATAGRAM | CLOSE_ON_EXEC, 0);
    const ready = number >= 0 && handle.open(number) === 0 && handle.recvStart() === 0;
    if (!ready || calls.dup3(descriptor, number, CLOSE_ON_EXEC) < 0) {
      handle.close();
      throw new Error(`descriptor ${descriptor} cannot be watched (error ${calls.errno()})`);
    }
    calls.close(descriptor);
    handle.onmessage = onAlarm;
    handle.unref();
    return {
      descriptor: number,
      ref: () => {
        handle.ref();
      },
      unref: () => {
        handle.unref();
      },
    };
  };
}

/** As `process.binding` gives it; null where a Node has it no more. */
function datagramHandle(): NewHandle | null {
  try {
    const { binding } = process as unknown as { binding?: (name: string) => { UDP?: NewHandle } };
    return binding?.('udp_wrap').UDP ?? null;
  } catch {
    return null;
  }
}
