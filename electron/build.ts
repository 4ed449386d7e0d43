import { build, TARGETS, type TargetName } from './build-targets.ts';

for (const name of Object.keys(TARGETS) as TargetName[]) {
  const started = performance.now();
  build(name);
  console.log(`built ${name} (${((performance.now() - started) / 1000).toFixed(1)} s)`);
}
