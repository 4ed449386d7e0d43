import type { ErrorPage } from './error-pages.ts';

const STATUS_TEXT: Readonly<Record<number, string>> = {
  400: 'Bad Request',
  404: 'Not Found',
  405: 'Method Not Allowed',
  408: 'Request Timeout',
  417: 'Expectation Failed',
  421: 'Misdirected Request',
  495: 'Certificate Error',
  502: 'Bad Gateway',
  503: 'Service Unavailable',
};

/** An answer of the router itself, as bytes. */
export interface PageText {
  /** One character for each byte. */
  readonly head: string;
  readonly body: Buffer;
}

/** A page of the router as an answer. */
export function pageText(page: ErrorPage, html: string, connection: string): PageText {
  const body = Buffer.from(html);
  const head =
    `HTTP/1.1 ${page.status} ${STATUS_TEXT[page.status] ?? 'Error'}\r\nContent-Type: text/html; charset=utf-8\r\n` +
    `Content-Length: ${body.length}\r\nCache-Control: no-store\r\nSlipway-Error: ${page.code}\r\n` +
    `Server: Heroku\r\n${connection}\r\n`;
  return { head, body };
}

/** An answer without a page, behind which the connection ends: for those who do not speak our language. */
export function bareRefusal(status: number): string {
  return `HTTP/1.1 ${status} ${STATUS_TEXT[status] ?? 'Error'}\r\nConnection: close\r\nContent-Length: 0\r\n\r\n`;
}
