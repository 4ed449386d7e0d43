import { mkdir, mkdtemp, rm, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterEach, beforeEach, expect, it } from 'vitest';
import type { Daemon } from './daemon.ts';
import { MemoryReader } from './memory.ts';

let root: string;
beforeEach(async () => {
  root = await mkdtemp(join(tmpdir(), 'slipway-cgroup-'));
});
afterEach(async () => {
  await rm(root, { recursive: true });
});

/** A daemon that answers every question for statistics, and counts them. */
function daemon(answer: unknown): Daemon & { asked: number } {
  const made = {
    asked: 0,
    facts: { address: '/var/run/docker.sock' } as Daemon['facts'],
    json: async () => {
      made.asked += 1;
      if (answer === null) throw Object.assign(new Error('no such container'), { statusCode: 404 });
      return answer;
    },
    stream: () => Promise.reject(new Error('not asked for')),
    hijack: () => Promise.reject(new Error('not asked for')),
  };
  return made;
}

async function group(folder: string, files: Record<string, string>): Promise<void> {
  await mkdir(join(root, folder), { recursive: true });
  for (const [name, text] of Object.entries(files)) await writeFile(join(root, folder, name), text);
}

it.each([
  ['system.slice/docker-c1.scope', 'memory.current', 'inactive_file'],
  ['docker/c1', 'memory.current', 'inactive_file'],
  ['memory/docker/c1', 'memory.usage_in_bytes', 'total_inactive_file'],
  ['memory/system.slice/docker-c1.scope', 'memory.usage_in_bytes', 'total_inactive_file'],
])('reads %s without asking the daemon, and takes the cache of files off', async (folder, usage, cache) => {
  await group(folder, { [usage]: '5000\n', 'memory.stat': `anon 1\nx_${cache} 7\n${cache} 1200\n` });
  const asked = daemon(null);
  const reader = new MemoryReader(asked, root);
  expect([await reader.read('c1'), await reader.read('c1'), asked.asked]).toEqual([3800, 3800, 0]);
});

it('asks the daemon where no file can be read', async () => {
  const v1 = { memory_stats: { usage: 900, stats: { total_inactive_file: 100, inactive_file: 5 } } };
  const v2 = { memory_stats: { usage: 900, stats: { inactive_file: 50 } } };
  expect(await new MemoryReader(daemon(v1), root).read('c1')).toBe(800);
  expect(await new MemoryReader(daemon(v2), null).read('c1')).toBe(850);
});

it('has nothing to say of a container that ended or is gone', async () => {
  expect(await new MemoryReader(daemon({ memory_stats: {} }), root).read('c1')).toBeNull();
  expect(await new MemoryReader(daemon(null), root).read('c1')).toBeNull();
});
