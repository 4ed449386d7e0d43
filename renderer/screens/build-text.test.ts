import { describe, expect, it } from 'vitest';
import { splitOutput } from './build-text.ts';

const OUTPUT = `-----> Building on the Slipway-13 stack
-----> Determining which buildpack to use for this app
-----> Node.js app detected
-----> Installing binaries
       -----> Compressing... in an app's own output
-----> Discovering process types
       Procfile declares types     -> web
-----> Compressing...
 !     Compiled slug size: 501M is too large (max is 500M).
 !     Push failed
`;

describe('a build log cut into phases', () => {
  it('gives each phase its lines', () => {
    const parts = splitOutput(OUTPUT, null);
    expect([...parts.keys()]).toEqual(['stack', 'detect', 'compile', 'types', 'pack']);
    expect(parts.get('compile')).toHaveLength(3);
    expect(parts.get('pack')).toHaveLength(3);
  });

  it('knows the phases of a build that makes images, too', () => {
    const dockerfile = `-----> Building on the Container stack
-----> Building from Dockerfile, as the stack is container
=== Building web (Dockerfile)
-----> Discovering process types
-----> Keeping the images
`;
    const builder = `-----> Building on the Cnb stack
-----> Using builder: heroku/builder:24
===> ANALYZING
===> BUILDING
-----> Discovering process types
-----> Keeping the image
`;
    for (const output of [dockerfile, builder])
      expect([...splitOutput(output, null).keys()]).toEqual(['stack', 'detect', 'compile', 'types', 'pack']);
    expect(splitOutput(builder, null).get('compile')).toHaveLength(2);
  });

  it('gives the failure to the phase that failed, and loses no line', () => {
    const parts = splitOutput(OUTPUT, 'compile');
    expect(parts.get('compile')?.at(-1)).toBe(' !     Push failed');
    expect([...parts.values()].flat()).toHaveLength(OUTPUT.trimEnd().split('\n').length);
    expect(splitOutput('', null).size).toBe(0);
  });
});
