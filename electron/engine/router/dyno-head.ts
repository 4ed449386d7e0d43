import type { Origin } from './origin.ts';
import { flat } from './latin1.ts';
import type { RequestRecord } from './request-record.ts';
import type { Wire } from './wire.ts';
import { VIA } from './words.ts';

/**
 * Sends the head that a dyno gets: what came, in its order and spelling, without what is the router's, and the router's own
 * (reference: heroku-platform 4.4).
 * @param origin what `originLines` made for the client, when it named no addresses
 */
export function sendDynoHead(wire: Wire, request: RequestRecord, origin: string | null): void {
  const { via, sentAt, startedAt } = request;
  const total = Math.max(0, Math.round(sentAt - startedAt));
  // Piece by piece, as it costs less than one text of all of them.
  wire.text(request.kept);
  wire.text(request.upgrade ? UPGRADE : KEEP_ALIVE);
  wire.text(request.requestId);
  wire.text(
    origin !== null && via === ''
      ? origin
      : originLines(request.fwd, request.origin ?? request.plane.port, via),
  );
  wire.text(timeLines(Math.round(request.connectMs ?? 0), request.startedWall, total));
}

const UPGRADE = 'Connection: Upgrade\r\nX-Request-Id: ';
const KEEP_ALIVE = 'Connection: keep-alive\r\nX-Request-Id: ';

/**
 * Part of the head that a dyno gets: the lines on where a request came from, from the end of the request id on up to the value
 * of `Connect-Time` (reference: heroku-platform 4.4).
 * @param fwd client address, after the addresses that the client named itself
 * @param at the router's port, or how else the client came in
 * @param via what the request has been through before, or nothing
 */
export function originLines(fwd: string, at: number | Origin, via: string): string {
  const [proto, port] = typeof at === 'number' ? ['http', at] : ['https', at.port];
  return flat(
    `\r\nX-Forwarded-For: ${fwd}\r\nX-Forwarded-Proto: ${proto}\r\nX-Forwarded-Port: ${port}\r\n` +
      `Via: ${via === '' ? '' : `${via}, `}${VIA}\r\nConnect-Time: `,
  );
}

let quickStart = -1;
let quickText = '';

/**
 * The rest of it. All times in milliseconds.
 * @param start when the request came, since the epoch
 * @param total how long it has been in the router
 */
function timeLines(connect: number, start: number, total: number): string {
  if (connect !== 0 || total !== 0) return made(connect, start, total);
  // Requests of one millisecond share it.
  if (start !== quickStart) {
    quickStart = start;
    quickText = flat(made(0, start, 0));
  }
  return quickText;
}

function made(connect: number, start: number, total: number): string {
  return `${connect}\r\nX-Request-Start: ${start}\r\nTotal-Route-Time: ${total}\r\n\r\n`;
}
