import { runHeadless } from './run.ts';

void runHeadless(process.env);
