import { expect, test } from 'vitest';
import { BuildTrace } from './build-trace.ts';

/** Recorded from BuildKit in Docker 20.10: two steps, of which the second fails. */
const RECORDED = [
  '{"id":"moby.buildkit.trace","aux":"CrsBCkdzaGEyNTY6MDFmYjQxZTdhOTUxMDA2Mjk0NTNiYzEwYjY5ODc5ZDQ3ZDcyNDQwNDliZmMyMTQwY2ViYzY0MjljODcyOWQ0MBJHc2hhMjU2OmFkYzVkZGVkNzM5MDc4NzkzNWRjYWZjNDQ4NzJlMGQzYjEzMWIwMmE5ZDMzMjQxMzRhZjI3ZTMzYjI3ODczZTUaGVsyLzNdIFJVTiBlY2hvICJoaSB0aGVyZSIqDAjAqYfYBhDXvLWFAw=="}',
  '{"id":"moby.buildkit.trace","aux":"GmQKR3NoYTI1NjowMWZiNDFlN2E5NTEwMDYyOTQ1M2JjMTBiNjk4NzlkNDdkNzI0NDA0OWJmYzIxNDBjZWJjNjQyOWM4NzI5ZDQwEgwIwamH2AYQwKXj0QMYASIJaGkgdGhlcmUK"}',
  '{"id":"moby.buildkit.trace","aux":"CsgBCkdzaGEyNTY6MDFmYjQxZTdhOTUxMDA2Mjk0NTNiYzEwYjY5ODc5ZDQ3ZDcyNDQwNDliZmMyMTQwY2ViYzY0MjljODcyOWQ0MBJHc2hhMjU2OmFkYzVkZGVkNzM5MDc4NzkzNWRjYWZjNDQ4NzJlMGQzYjEzMWIwMmE5ZDMzMjQxMzRhZjI3ZTMzYjI3ODczZTUaGVsyLzNdIFJVTiBlY2hvICJoaSB0aGVyZSIqDAjAqYfYBhDXvLWFAzILCMKph9gGEIjvgB8="}',
  '{"id":"moby.buildkit.trace","aux":"CrEBCkdzaGEyNTY6NmNmYmNhYWU2Zjg4MzI5OTY4MjRjZDVhMWEwMjhkYTY1MWVjNzlkNGMyMjY5ZTNjOTdmYWQxOTBkYWU2NjgzMxJHc2hhMjU2OjAxZmI0MWU3YTk1MTAwNjI5NDUzYmMxMGI2OTg3OWQ0N2Q3MjQ0MDQ5YmZjMjE0MGNlYmM2NDI5Yzg3MjlkNDAaEFszLzNdIFJVTiBleGl0IDMqCwjCqYfYBhCRh4ci"}',
  '{"errorDetail":{"message":"executor failed running [/bin/sh -c exit 3]: exit code: 3"},"error":"executor failed running [/bin/sh -c exit 3]: exit code: 3"}',
];

function readAll(lines: readonly string[]): {
  text: string;
  error: string | undefined;
  image: string | undefined;
} {
  const trace = new BuildTrace();
  const news = lines.map((line) => trace.read(line));
  return {
    text: news.map(({ text }) => text).join(''),
    error: news.find(({ error }) => error !== undefined)?.error,
    image: news.find(({ image }) => image !== undefined)?.image,
  };
}

test('steps of BuildKit are shown once, with what they print', () => {
  expect(readAll([...RECORDED, ...RECORDED.slice(0, 1)])).toEqual({
    text: '[2/3] RUN echo "hi there"\nhi there\n[3/3] RUN exit 3\n',
    error: 'executor failed running [/bin/sh -c exit 3]: exit code: 3',
    image: undefined,
  });
});

test('a message that was cut off, or is none, does no harm', () => {
  const [first = ''] = RECORDED;
  const { aux = '' } = JSON.parse(first) as { aux?: string };
  for (let length = 0; length < aux.length; length += 1)
    expect(() =>
      readAll([JSON.stringify({ id: 'moby.buildkit.trace', aux: aux.slice(0, length) })]),
    ).not.toThrow();
  expect(readAll([JSON.stringify({ id: 'moby.buildkit.trace', aux: 7 })]).text).toBe('');
});

test('lines of the older builder, of pulls, and what is no JSON', () => {
  const lines = [
    { stream: 'Step 1/2 : FROM debian\n' },
    { status: 'Pulling from library/debian', id: '12' },
    { status: 'Downloading', id: 'ab', progressDetail: {}, progress: '[=>  ]' },
    { status: 'Pull complete', id: 'ab' },
    { aux: { ID: 'sha256:0123' } },
  ].map((line) => JSON.stringify(line));
  expect(readAll([...lines, 'STEP 2'])).toEqual({
    text: 'Step 1/2 : FROM debian\n12: Pulling from library/debian\nab: Pull complete\nSTEP 2\n',
    error: undefined,
    image: 'sha256:0123',
  });
});
