import { connect } from 'node:net';
import type { DynoAddress } from '#engine/runtime/runtime.ts';

/** Where a dyno that is routed to can be reached. */
export function addressOf(address: DynoAddress | null): DynoAddress {
  if (address === null) throw new Error('the dyno has no address');
  return address;
}

/** All that a server sends until it closes. */
export function read({ host, port }: DynoAddress): Promise<string> {
  return new Promise((resolve, reject) => {
    let text = '';
    connect(port, host)
      .setEncoding('utf8')
      .on('data', (chunk) => (text += String(chunk)))
      .on('end', () => {
        resolve(text);
      })
      .on('error', reject);
  });
}
