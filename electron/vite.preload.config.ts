import { join } from 'node:path';
import { defineConfig } from 'vite';

/** Builds the preload script to one CommonJS file: a sandboxed page's preload can load nothing but Electron. */
export default defineConfig({
  root: import.meta.dirname,
  publicDir: false,
  logLevel: 'warn',
  build: {
    outDir: join(import.meta.dirname, '..', 'dist', 'preload'),
    emptyOutDir: true,
    target: 'chrome140',
    minify: false,
    lib: {
      entry: join(import.meta.dirname, 'preload', 'preload.ts'),
      formats: ['cjs'],
      fileName: () => 'preload.cjs',
    },
    rolldownOptions: { external: ['electron'] },
  },
});
