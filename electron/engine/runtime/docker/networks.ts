import * as z from 'zod';
import type { Daemon } from './daemon.ts';
import { orMissing, statusOf } from './errors.ts';

const Networks = z.array(
  z.object({ Id: z.string(), Name: z.string(), Labels: z.record(z.string(), z.string()).nullish() }),
);
const Ranges = z.object({ IPAM: z.object({ Config: z.array(z.object({ Subnet: z.string() })) }) });
const Volumes = z.object({
  Volumes: z
    .array(z.object({ Name: z.string(), Labels: z.record(z.string(), z.string()).nullish() }))
    .nullish(),
});

/** A network or volume with labels. */
interface NamedRow {
  readonly name: string;
  readonly labels: Readonly<Record<string, string>>;
}

/** Networks with all of the labels. */
export async function listNetworks(daemon: Daemon, label: readonly string[]): Promise<NamedRow[]> {
  const query = { filters: JSON.stringify({ label }) };
  const rows = Networks.parse(await daemon.json({ method: 'GET', path: '/networks', query, ok: [200] }));
  return rows.map((row) => ({ name: row.Name, labels: row.Labels ?? {} }));
}

/** First range of addresses of a network, as `10.130.4.0/22`; null when there is none or no network. */
export async function subnetOf(daemon: Daemon, name: string): Promise<string | null> {
  const answer = await orMissing(daemon.json({ method: 'GET', path: `/networks/${name}`, ok: [200] }));
  return Ranges.safeParse(answer).data?.IPAM.Config[0]?.Subnet ?? null;
}

/** Makes a network; the options are those of the Docker API. */
export async function createNetwork(daemon: Daemon, options: { readonly Name: string }): Promise<void> {
  await daemon.json({ method: 'POST', path: '/networks/create', body: options, ok: [200, 201] });
}

/** Removes a network. @returns false when something is still in it; one that is gone is fine */
export async function removeNetwork(daemon: Daemon, name: string): Promise<boolean> {
  return removed(daemon.json({ method: 'DELETE', path: `/networks/${name}`, ok: [200, 204] }));
}

/** Volumes with all of the labels. */
export async function listVolumes(daemon: Daemon, label: readonly string[]): Promise<NamedRow[]> {
  const query = { filters: JSON.stringify({ label }) };
  const answer = Volumes.parse(await daemon.json({ method: 'GET', path: '/volumes', query, ok: [200] }));
  return (answer.Volumes ?? []).map((row) => ({ name: row.Name, labels: row.Labels ?? {} }));
}

/** Makes a volume, or nothing when it is there. */
export async function createVolume(
  daemon: Daemon,
  name: string,
  labels: Readonly<Record<string, string>>,
): Promise<void> {
  const body = { Name: name, Labels: labels };
  await daemon.json({ method: 'POST', path: '/volumes/create', body, ok: [200, 201] });
}

/** Removes a volume. @returns false when something still uses it; one that is gone is fine */
export async function removeVolume(daemon: Daemon, name: string): Promise<boolean> {
  return removed(daemon.json({ method: 'DELETE', path: `/volumes/${name}`, ok: [200, 204] }));
}

async function removed(call: Promise<unknown>): Promise<boolean> {
  try {
    await call;
    return true;
  } catch (error) {
    const status = statusOf(error);
    if (status === 404) return true;
    if (status === 403 || status === 409 || (status === 500 && /active endpoints|in use/.test(String(error))))
      return false;
    throw error;
  }
}
