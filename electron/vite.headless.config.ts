import { defineConfig } from 'vite';
import { nodeBundle } from './vite.node-bundle.ts';

/** Builds the headless host to `dist/headless/headless.js`. */
export default defineConfig(
  nodeBundle({ entry: 'headless/main.ts', folder: 'headless', file: 'headless.js' }),
);
