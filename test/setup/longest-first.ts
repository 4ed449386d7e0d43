import { relative } from 'node:path';
import { BaseSequencer, type TestSpecification } from 'vitest/node';

/** Files that take longest, and those that wait longest, in their order. */
const LONGEST = [
  'test/runtime-contract/docker.test.ts',
  'test/e2e/zero-downtime.test.ts',
  'test/buildpacks/nodejs.test.ts',
  'test/e2e/kill.test.ts',
  'test/ui/options.test.ts',
  'test/e2e/bad-input.test.ts',
  'test/buildpacks/go.test.ts',
];

/** Begins with the longest files, so that those that run side by side are through at about the same time. */
export default class LongestFirst extends BaseSequencer {
  override async sort(files: TestSpecification[]): Promise<TestSpecification[]> {
    const place = ({ moduleId }: TestSpecification): number => {
      const at = LONGEST.indexOf(relative(this.ctx.config.root, moduleId).replaceAll('\\', '/'));
      return at < 0 ? LONGEST.length : at;
    };
    return (await super.sort(files)).sort((one, other) => place(one) - place(other));
  }
}
