import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import type { LogLine } from '#shared/model/log.ts';
import { lineFacts } from './line-facts.ts';
import { parseQuery } from './query.ts';

const LOOSE = { matchCase: false, wholeWord: false, regex: false };

function line(text: string, more: Partial<LogLine> = {}): LogLine {
  return { kind: 'line', seq: 1, at: 0, source: 'app', ps: 'web.1', stream: 'stdout', text, ...more };
}

function matches(query: string, text: string, more: Partial<LogLine> = {}, options = LOOSE): boolean {
  const parsed = parseQuery(query, options);
  if (parsed === null || 'problem' in parsed) throw new Error(`no query: ${JSON.stringify(parsed)}`);
  return parsed.query.matches(lineFacts(line(text, more)));
}

describe('the search field', () => {
  it.each([
    ['cart', 'GET /Carts', true],
    ['get carts', 'GET /carts', true],
    ['get missing', 'GET /carts', false],
    ['-cart', 'GET /carts', false],
    ['get -users', 'GET /carts', true],
    ['"not found"', 'user not found', true],
    ['"not found"', 'found not', false],
    ['/GET \\/c.*ts/', 'GET /carts', true],
    ['source:web', 'x', true],
    ['source:web.2', 'x', false],
    ['stream:stderr', 'x', false],
    ['level:error', 'ERROR: it broke', true],
    ['level:warn', '{"level":"warn","msg":"x"}', true],
    ['a.c', 'abc', false],
    ['-', '- item', true],
  ])('%s on %j: %s', (query, text, expected) => {
    expect(matches(query, text)).toBe(expected);
  });

  it('compares the status of router lines only', () => {
    const router = { source: 'heroku', ps: 'router' } as const;
    expect(matches('status:>=500', 'at=error code=H12 status=503', router)).toBe(true);
    expect(matches('status:>=500', 'at=info status=200', router)).toBe(false);
    expect(matches('status:200', 'status=200')).toBe(false);
  });

  it('minds case and whole words when asked', () => {
    expect(matches('Cart', 'cart', {}, { ...LOOSE, matchCase: true })).toBe(false);
    expect(matches('cart', 'carts', {}, { ...LOOSE, wholeWord: true })).toBe(false);
    expect(matches('cart', 'a cart.', {}, { ...LOOSE, wholeWord: true })).toBe(true);
  });

  it('says what is wrong with a pattern, and never throws', () => {
    expect(parseQuery('/(/', LOOSE)).toMatchObject({ problem: expect.stringContaining('pattern') as string });
    expect(parseQuery('(', { ...LOOSE, regex: true })).toHaveProperty('problem');
    expect(parseQuery('status:many', LOOSE)).toHaveProperty('problem');
    fc.assert(
      fc.property(fc.string(), fc.boolean(), (text, regex) => {
        const parsed = parseQuery(text, { ...LOOSE, regex });
        if (parsed !== null && 'query' in parsed) parsed.query.ranges('some text');
      }),
    );
  });

  it('gives ranges in order, without overlap', () => {
    const parsed = parseQuery('ab bc x', LOOSE);
    if (parsed === null || 'problem' in parsed) throw new Error('no query');
    expect(parsed.query.ranges('abc x abc')).toEqual([
      [0, 3],
      [4, 5],
      [6, 9],
    ]);
  });
});
