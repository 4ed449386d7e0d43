import type { FastifyError, FastifyInstance } from 'fastify';
import { type ErrorData, SlipwayError } from '#shared/errors.ts';

/** An error as the body of an HTTP answer. */
export function errorData(code: ErrorData['code'], message: string): ErrorData {
  return { code, message, retryable: false };
}

/**
 * Answers for whatever a route threw. What the client did wrong keeps its status and is explained; anything else is a fault of ours,
 * which `onProblem` hears of and the client does not see.
 */
export function addErrorHandler(
  app: FastifyInstance,
  onProblem: (what: string, error: unknown) => void,
): void {
  app.setErrorHandler(async (error: FastifyError | SlipwayError, request, reply) => {
    const what = `${request.method} ${request.url.split('?')[0] ?? ''}`;
    if (error instanceof SlipwayError) return reply.status(400).send(error.toData());
    const status = error.statusCode ?? 500;
    if (status >= 400 && status < 500)
      return reply.status(status).send(explain(status, what, error, request));
    onProblem(what, error);
    return reply.status(500).send(errorData('internal', 'The request failed inside Slipway.'));
  });
}

function explain(
  status: number,
  what: string,
  error: FastifyError,
  request: { readonly headers: { readonly 'content-type'?: string | undefined } },
): ErrorData {
  const type = request.headers['content-type'] ?? 'a body without content-type';
  switch (status) {
    case 413:
      return errorData('too_large', `The body of ${what} is too large. Send less.`);
    case 415:
      return errorData(
        'invalid_params',
        `${what} does not take ${type}. Send a folder's contents as a tar, with content-type application/x-tar.`,
      );
    default:
      return errorData('invalid_params', `${what} cannot be answered: ${error.message.replace(/\.?$/, '.')}`);
  }
}
