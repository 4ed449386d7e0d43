import { afterEach } from 'vitest';
import type { Backend } from './routing-table.ts';
import { Testbed } from './testbed.ts';
import { listenTls, type TlsPort } from './testing-h2.ts';

/** The bed of the test that runs, made by `open` or `openTls`; everything in it ends with the test. */
export let bed: Testbed;
/** Where that bed serves HTTPS, after `openTls`. */
export let tls: TlsPort;

afterEach(() => bed.close());

/** Makes the test's bed. */
export async function open(...how: ConstructorParameters<typeof Testbed>): Promise<void> {
  bed = new Testbed(...how);
  await bed.listen();
}

/** Same with HTTPS. */
export async function openTls(...how: ConstructorParameters<typeof Testbed>): Promise<void> {
  await open(...how);
  tls = await listenTls(bed);
}

/** A dyno that sends bodies back, and the `Expect` that it was told last. */
export async function expectingDyno(): Promise<{ readonly dyno: Backend; expectation: string | undefined }> {
  const dyno = await bed.dyno((incoming, response) => {
    seen.expectation = incoming.headers.expect;
    void incoming.pipe(response);
  });
  const seen = { dyno, expectation: 'none seen' as string | undefined };
  return seen;
}
