import { mkdtemp, rm, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { text } from 'node:stream/consumers';
import { afterEach, beforeEach, expect, it } from 'vitest';
import type { Handlers } from '#shared/contract/contract.ts';
import { SlipwayError } from '#shared/errors.ts';
import { type Host, type HostOptions, startHost } from './server.ts';

const TAR = 'application/x-tar';

let uiFolder: string;
let host: Host;
let problems: [string, unknown][];
let receiveUpload: HostOptions['receiveUpload'];
beforeEach(async () => {
  uiFolder = await mkdtemp(join(tmpdir(), 'slipway-ui-'));
  await writeFile(join(uiFolder, 'index.html'), '<p>UI</p>');
  problems = [];
  receiveUpload = async (tar) => ({ upload: await text(tar) });
  host = await startHost({
    ...{ handlers: {} as Handlers, port: 0, apiKey: 'key', uiFolder, user: 'ann' },
    receiveUpload: (tar) => receiveUpload(tar),
    onProblem: (what, error) => problems.push([what, error]),
  });
});
afterEach(async () => {
  await host.close();
  await rm(uiFolder, { recursive: true });
});

async function post(
  headers: Record<string, string>,
  body?: string,
): Promise<{ status: number; body: unknown }> {
  const answer = await fetch(`http://localhost:${host.port}/uploads?x=1`, {
    method: 'POST',
    headers: { authorization: 'Bearer key', ...headers },
    ...(body === undefined ? {} : { body }),
  });
  return { status: answer.status, body: await answer.json() };
}

it('takes an upload', async () => {
  expect(await post({ 'content-type': TAR }, 'bytes')).toEqual({ status: 200, body: { upload: 'bytes' } });
});

it.each([
  [415, { 'content-type': 'text/csv' }, 'a,b', /^POST \/uploads does not take text\/csv\. Send .*x-tar/],
  [400, { 'content-type': 'application/json' }, '{"a":', /^POST \/uploads cannot be answered: .*JSON/],
  [400, { 'content-type': 'application/json' }, '{"a":1}', /came without a tar/],
  [400, {}, undefined, /came without a tar/],
])('answers %i to what the client did wrong, and says what: %j', async (status, headers, body, message) => {
  expect(await post({ ...headers }, body)).toEqual({
    status,
    body: { code: 'invalid_params', message: expect.stringMatching(message), retryable: false },
  });
  expect(problems).toEqual([]);
});

it('answers 400 to what the engine refused', async () => {
  receiveUpload = () => Promise.reject(new SlipwayError('too_large', 'The upload is too large.'));
  const { status, body } = await post({ 'content-type': TAR }, 'x');
  expect([status, body]).toMatchObject([400, { code: 'too_large', message: 'The upload is too large.' }]);
  expect(problems).toEqual([]);
});

it('tells of its own faults, and the client nothing of them', async () => {
  const fault = new Error('secret detail');
  receiveUpload = () => Promise.reject(fault);
  const { status, body } = await post({ 'content-type': TAR }, 'x');
  expect([status, body]).toMatchObject([
    500,
    { code: 'internal', message: 'The request failed inside Slipway.' },
  ]);
  expect(problems).toEqual([['POST /uploads', fault]]);
});
