import { defineConfig } from 'vite';
import { nodeBundle } from './vite.node-bundle.ts';

/** Builds the desktop app's main process to `dist/main/main.js`, with the pictures it needs. */
export default defineConfig({
  ...nodeBundle({ entry: 'main/main.ts', folder: 'main', file: 'main.js' }),
  publicDir: 'icons',
});
