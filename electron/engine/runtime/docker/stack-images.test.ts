import { describe, expect, it } from 'vitest';
import { whyNoDocker } from '../../../../test/e2e/support/docker.ts';
import { connectDaemon, type Daemon, type DaemonRequest } from './daemon.ts';
import { makeStack } from './stack-images.ts';

const never = new AbortController().signal;

/** The daemon of this machine without any image of the platform, and with a registry that answers like this. */
async function without(answer: Error): Promise<Daemon> {
  const daemon = await connectDaemon({ socketPath: null });
  const isFetched = ({ path }: DaemonRequest): boolean => /^\/images\/(slipway-)?heroku/.test(path);
  const missing = Object.assign(new Error('no such image'), { statusCode: 404 });
  return {
    facts: daemon.facts,
    json: (request) => (isFetched(request) ? Promise.reject(missing) : daemon.json(request)),
    stream: (request) =>
      request.path === '/images/create' ? Promise.reject(answer) : daemon.stream(request),
    hijack: (request) => daemon.hijack(request),
  };
}

describe.skipIf(whyNoDocker() !== null)('stacks that are fetched', () => {
  it('one that cannot be fetched is told with the reason and the next step', async () => {
    const refusal = new Error('dial tcp: lookup registry-1.docker.io: no such host');
    const reported: string[] = [];
    const making = makeStack('heroku-22', {
      ...{ daemon: await without(refusal), owner: 'test', signal: never },
      report: (line) => reported.push(line),
    });
    await expect(making).rejects.toMatchObject({
      code: 'stack_failed',
      message:
        'Stack heroku-22 needs the image heroku/heroku:22, which could not be fetched: dial tcp: lookup registry-1.docker.io: no such host. Try "docker pull heroku/heroku:22" and deploy again, or choose another stack: slipway stack:set slipway-13.',
    });
    expect(reported).toEqual(['Making the images of stack heroku-22', 'Fetching heroku/heroku:22']);
  });

  it('what is no stack is told with those that there are', async () => {
    const daemon = await connectDaemon({ socketPath: null });
    const making = makeStack('cedar-14', { daemon, owner: 'test', signal: never, report: () => undefined });
    await expect(making).rejects.toMatchObject({
      code: 'stack_failed',
      message: 'There is no stack "cedar-14". Stacks are slipway-13, heroku-24, heroku-22.',
    });
  });
});
