import { buildpackSuite } from './buildpack-suite.ts';

buildpackSuite('process');
