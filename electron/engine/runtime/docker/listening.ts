import { connect } from 'node:net';
import type { DynoAddress } from '../runtime.ts';

const CONNECT_MS = 1_000;
/** A forwarder closes within this time when nothing listens behind it. */
const SETTLE_MS = 150;

/**
 * True when something accepts connections at an address.
 * @param forwarded whether Docker's forwarder is in between, which accepts in any case and closes when there is nothing behind
 */
export function accepts(address: DynoAddress, forwarded: boolean): Promise<boolean> {
  return new Promise((resolve) => {
    const socket = connect({ host: address.host, port: address.port });
    const done = (answer: boolean): void => {
      clearTimeout(timer);
      socket.destroy();
      resolve(answer);
    };
    let timer = setTimeout(() => {
      done(false);
    }, CONNECT_MS);
    socket.on('error', () => {
      done(false);
    });
    socket.on('connect', () => {
      if (!forwarded) {
        done(true);
        return;
      }
      clearTimeout(timer);
      timer = setTimeout(() => {
        done(true);
      }, SETTLE_MS);
      socket.resume().on('data', () => {
        done(true);
      });
      socket.on('end', () => {
        done(false);
      });
    });
  });
}
