import { runHeadless } from './run.ts';

await runHeadless(process.env);
