/** How the router calls itself in `Via` (reference: heroku-platform 4.4). */
export const VIA = '1.1 heroku-router';

let dateSecond = -1;
let dateText = '';

/** A time, in milliseconds since the epoch, as the Date header says it; made once a second. */
export function httpDate(now: number): string {
  const second = Math.floor(now / 1000);
  if (second !== dateSecond) {
    dateSecond = second;
    dateText = new Date(now).toUTCString();
  }
  return dateText;
}
