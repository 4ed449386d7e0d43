import { spawnSync } from 'node:child_process';

/** Why tests on Docker cannot run here, or null when they can. Printed, so that a skip is never silent. */
export function whyNoDocker(): string | null {
  const { status, stderr, error } = spawnSync('docker', ['info', '--format', '{{.ServerVersion}}'], {
    encoding: 'utf8',
  });
  if (status === 0) return null;
  const reason = `Docker does not answer (${error?.message ?? stderr.trim()}): these tests are skipped`;
  console.log(reason);
  return reason;
}
