import { join } from 'node:path';
import type { UserConfig } from 'vite';

/**
 * One file of modern JavaScript for Node.js, with every package in it but Electron.
 * It has to be one: code finds the product's folders by its own place, two folders below them.
 */
export function nodeBundle(target: {
  readonly entry: string;
  readonly folder: string;
  readonly file: string;
  /** `cjs` for what is not loaded as a file. */
  readonly format?: 'es' | 'cjs';
}): UserConfig {
  return {
    root: import.meta.dirname,
    publicDir: false,
    logLevel: 'warn',
    define: { __dirname: 'import.meta.dirname', __filename: 'import.meta.filename' },
    ssr: { noExternal: true, external: ['electron'], target: 'node' },
    build: {
      ssr: join(import.meta.dirname, target.entry),
      outDir: join(import.meta.dirname, '..', 'dist', target.folder),
      emptyOutDir: true,
      target: 'node24',
      minify: false,
      copyPublicDir: true,
      license: { fileName: 'licenses.md' },
      rolldownOptions: {
        external: ['electron', 'cpu-features', /\.node$/],
        output: { format: target.format ?? 'es', entryFileNames: target.file, codeSplitting: false },
      },
    },
  };
}
