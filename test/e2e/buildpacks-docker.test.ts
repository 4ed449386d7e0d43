import { buildpackSuite } from './buildpack-suite.ts';

buildpackSuite('docker');
