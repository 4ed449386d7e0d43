import { execFileSync, spawnSync } from 'node:child_process';
import { shortHash } from '../../../electron/engine/runtime/docker/names.ts';
import type { Host } from './host.ts';

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

/** Runs a command of Docker. @returns the lines that it printed */
export function docker(...args: string[]): string[] {
  return execFileSync('docker', args, { encoding: 'utf8' }).split('\n').filter(Boolean);
}

/** Arguments for lists of Docker: only what is the engine's own, of one kind or of all. */
export function owned({ ownerId }: Pick<Host, 'ownerId'>, kind?: string): string[] {
  const labels = [`io.slipway.owner=${ownerId}`, ...(kind === undefined ? [] : [`io.slipway.kind=${kind}`])];
  return labels.flatMap((label) => ['--filter', `label=${label}`]);
}

/** Tags of the images that builds of the engine keep for the next one. */
export function stepTags({ ownerId }: Pick<Host, 'ownerId'>): string[] {
  const tags = docker('images', '--format', '{{.Tag}}', 'slipway/step');
  return tags.filter((tag) => tag.startsWith(shortHash(ownerId)));
}

/** All that an engine has in Docker. */
export function allOwned(host: Pick<Host, 'ownerId'>): string[] {
  const lists = [
    ['ps', '-aq'],
    ['images', '-aq'],
    ['network', 'ls', '-q'],
    ['volume', 'ls', '-q'],
  ];
  return [...lists.flatMap((list) => docker(...list, ...owned(host))), ...stepTags(host)];
}
