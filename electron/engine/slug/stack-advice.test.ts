import { describe, expect, it } from 'vitest';
import { containerAdvice } from './stack-advice.ts';

describe('the advice for a source that Docker could build', () => {
  it('names the file that counts, and the steps for an app or for a new one', () => {
    expect(containerAdvice({ paths: ['Dockerfile', 'heroku.yml'] }, 'shop')).toBe(
      'The source has a heroku.yml, so Docker can build it: choose the stack container by `slipway stack:set container --app shop`, or in the app under Options → Stack, and deploy again.',
    );
    expect(containerAdvice({ paths: ['Dockerfile'] }, null)).toMatch(
      /^The source has a Dockerfile, .*`slipway create NAME --stack container`/,
    );
  });

  it('is not given where nothing at the top says how to build an image', () => {
    expect(containerAdvice({ paths: ['docker/Dockerfile', 'Dockerfile.dev'] }, 'shop')).toBeNull();
  });
});
