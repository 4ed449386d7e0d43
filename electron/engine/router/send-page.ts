import type { IncomingMessage } from 'node:http';
import type { ErrorPage } from './error-pages.ts';
import type { Reply } from './reply.ts';

/** Sends a page of the router; answers how many bytes of body that is. */
export function sendPage(
  context: { renderPage(page: ErrorPage): string },
  to: { readonly request: IncomingMessage; readonly reply: Reply },
  page: ErrorPage,
  close: boolean,
): number {
  const html = context.renderPage(page);
  const length = Buffer.byteLength(html);
  const headers = [
    ...['Content-Type', 'text/html; charset=utf-8', 'Content-Length', String(length)],
    ...['Cache-Control', 'no-store', 'Slipway-Error', page.code, 'Server', 'Heroku'],
  ];
  if (close) headers.push('Connection', 'close');
  to.reply.page(page.status, STATUS_TEXT[page.status] ?? 'Error', headers, html);
  return to.request.method === 'HEAD' ? 0 : length;
}

const STATUS_TEXT: Record<number, string> = {
  400: 'Bad Request',
  404: 'Not Found',
  417: 'Expectation Failed',
  502: 'Bad Gateway',
  503: 'Service Unavailable',
};
