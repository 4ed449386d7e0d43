import { registerHooks } from 'node:module';
import type * as Fake from './fake-electron.ts';

/** Preloaded into a Node.js that runs the packaged main process: `electron` is the stand-in, and leaving the app ends the process. */
const FAKE = new URL('./fake-electron.ts', import.meta.url).href;

registerHooks({
  resolve: (specifier, context, next) =>
    specifier === 'electron' ? { url: FAKE, shortCircuit: true } : next(specifier, context),
});

const { app } = (await import(FAKE)) as typeof Fake;
app.isPackaged = true;
app.on('test-exit', (code: number) => process.exit(code));
