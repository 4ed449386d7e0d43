import { VIA } from './words.ts';

/**
 * Part of the head that a dyno gets: the lines on where a request came from, from the end of the request id on up to the value
 * of `Connect-Time` (reference: heroku-platform 4.4).
 * @param fwd client address, after the addresses that the client named itself
 * @param via what the request has been through before, or nothing
 */
export function originLines(fwd: string, port: number, via: string): string {
  return (
    `\r\nX-Forwarded-For: ${fwd}\r\nX-Forwarded-Proto: http\r\nX-Forwarded-Port: ${port}\r\n` +
    `Via: ${via === '' ? '' : `${via}, `}${VIA}\r\nConnect-Time: `
  );
}

let quickStart = -1;
let quickText = '';

/**
 * The rest of it. All times in milliseconds.
 * @param start when the request came, since the epoch
 * @param total how long it has been in the router
 */
export function timeLines(connect: number, start: number, total: number): string {
  if (connect !== 0 || total !== 0) return made(connect, start, total);
  // Requests of one millisecond share it.
  if (start !== quickStart) {
    quickStart = start;
    quickText = made(0, start, 0);
  }
  return quickText;
}

function made(connect: number, start: number, total: number): string {
  return `${connect}\r\nX-Request-Start: ${start}\r\nTotal-Route-Time: ${total}\r\n\r\n`;
}
