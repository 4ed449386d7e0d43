import { defineConfig } from 'vite';
import { nodeBundle } from './vite.node-bundle.ts';

/** Builds the router's thread to `dist/router/worker.cjs`, which its starter reads as text. */
export default defineConfig(
  nodeBundle({ entry: 'engine/router/worker.ts', folder: 'router', file: 'worker.cjs', format: 'cjs' }),
);
