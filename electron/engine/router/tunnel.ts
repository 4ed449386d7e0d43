import type { Socket } from 'node:net';
import type { Duplex } from 'node:stream';
import type { Exchange } from './exchange.ts';
import type { IdleWatch } from './idle-watch.ts';

/** Joins client and dyno after a 101 until one of them goes or both are silent for too long (reference: heroku-platform 4.2). */
export function tunnel(
  exchange: Exchange,
  watch: IdleWatch,
  fromClient: { readonly socket: Duplex; readonly head: Buffer },
  fromDyno: { readonly socket: Socket; readonly head: Buffer },
): void {
  const client = fromClient.socket;
  const dyno = fromDyno.socket;
  exchange.onOver(() => {
    if (!client.destroyed) client.destroy();
    dyno.destroy();
  });
  const passOn = (from: Duplex, to: Duplex, first: Buffer, count: (bytes: number) => void): void => {
    count(first.length);
    if (first.length > 0) to.write(first);
    from.on('data', (chunk: Buffer) => {
      watch.touch();
      count(chunk.length);
    });
    from.pipe(to);
  };
  passOn(dyno, client, fromDyno.head, (bytes) => {
    exchange.bytes += bytes;
  });
  passOn(client, dyno, fromClient.head, () => undefined);
  dyno.on('close', () => {
    // What the dyno said last still goes out; a client that does not hang up has nobody to talk to.
    client.end(() => client.destroy());
  });
}
