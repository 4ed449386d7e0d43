import { build, BuildTargetError, TARGETS, type TargetName } from './build-targets.ts';

try {
  for (const name of Object.keys(TARGETS) as TargetName[]) {
    const started = performance.now();
    build(name);
    console.log(`built ${name} (${((performance.now() - started) / 1000).toFixed(1)} s)`);
  }
} catch (error) {
  if (!(error instanceof BuildTargetError)) throw error;
  console.error(`${error.details.trimEnd()}\n`);
  console.error(`slipway: ${error.message}`);
  process.exitCode = 1;
}
