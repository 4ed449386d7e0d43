import { expect, test } from 'vitest';
import { FAILURES, type FailureKey } from './failures.ts';
import { CODE_CASES } from './testing-codes.ts';
import { bed, open } from './testing-bed.ts';

const isHere = (key: string): boolean => key !== 'H99' || process.platform !== 'win32';
if (!isHere('H99')) console.log('every-code.test.ts: H99 needs a limit of open files, which Windows has not');

test.each(
  Object.entries(CODE_CASES)
    .filter(([key]) => isHere(key))
    .map(([key, each]) => [key as FailureKey, each] as const),
)('%s', async (key, each) => {
  const { limits = {}, line, got } = each;
  await open(limits);
  const answer = await each.provoke(bed);
  const { code } = FAILURES[key];
  if (got instanceof RegExp) expect(answer).toMatch(got);
  else expectPage(answer, code, got);
  const logged = (await bed.line(/ path="\/" /))
    .replace(/request_id=[0-9a-f-]{36}/, 'R')
    .replace(/(connect|service)=\d+ms/g, '$1=Nms')
    .replace('bytes=' + lengthOf(answer), 'bytes=PAGE');
  expect(logged).toBe(wholeLine(line));
});

/** A page of the router: the status, the code, a title, and a length that is right. */
function expectPage(answer: string, code: string, [status, title]: readonly [string, string]): void {
  const [head = '', body = ''] = answer.split('\r\n\r\n');
  expect(head.split('\r\n')[0]).toBe(status);
  expect(head).toMatch(new RegExp(`\r\nslipway-error: ${code}\r\n`, 'i'));
  expect(head).toMatch(/\r\ncontent-type: text\/html; charset=utf-8\r\n/i);
  expect(Buffer.from(body, body.includes('’') ? 'utf8' : 'latin1').toString()).toContain(`<h1>${title}</h1>`);
}

/** Content-Length of an answer, or something that no line has. */
function lengthOf(answer: string): string {
  return /\r\ncontent-length: (\d+)/i.exec(answer)?.[1] ?? 'none';
}

/** What `CodeCase.line` stands for. */
function wholeLine(short: string): string {
  const [start = '', rest = ''] = short.split(/ (?=D |- |dyno=)/);
  const tail = rest
    .replace(/^D /, 'dyno=web.1 connect=Nms service=Nms ')
    .replace(/^- /, 'dyno= connect= service= ');
  const ending = tail.includes('protocol=') ? '' : ' protocol=http1.1 tls=false';
  return `${start} method=GET path="/" host=demo.localhost R fwd="127.0.0.1" ${tail}${ending}`;
}
