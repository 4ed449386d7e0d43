import react from '@vitejs/plugin-react';
import { defineConfig } from 'vite';

// A test's environment must not make a build of React for development.
process.env['NODE_ENV'] = 'production';

/** Builds the UI to `dist/renderer`; no inline script or style, so that the strict content policy holds. */
export default defineConfig({
  root: import.meta.dirname,
  base: '/',
  plugins: [react()],
  logLevel: 'warn',
  build: {
    outDir: '../dist/renderer',
    emptyOutDir: true,
    target: 'es2023',
    assetsInlineLimit: 0,
    modulePreload: { polyfill: false },
    license: { fileName: 'licenses.md' },
    chunkSizeWarningLimit: 800,
  },
});
