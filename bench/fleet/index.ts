import { chmod, mkdir, mkdtemp, rm, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { monitorEventLoopDelay } from 'node:perf_hooks';
import { setTimeout as sleep } from 'node:timers/promises';
import { type Client, createClient } from '#shared/contract/client.ts';
import { serve } from '#shared/contract/dispatch.ts';
import { memoryTransports } from '#shared/contract/memory.ts';
import { createEngine } from '../../electron/engine/engine.ts';
import { readSettings } from '../../electron/engine/settings.ts';
import { get } from '../../test/e2e/support/load.ts';
import { deploy, waitFor } from '../../test/e2e/support/host.ts';
import type { FigureDefinition } from '../lib/definition.ts';

const APPS = 100;
const WORKERS = 2;
const DYNOS = APPS * (1 + WORKERS);
/** Deploys at the same time. */
const TOGETHER = 4;
const QUESTIONS = 50;

/** A web server of a few megabytes that needs nothing but Perl. */
const SERVER = `use IO::Socket::INET; $| = 1;
my $listen = IO::Socket::INET->new(LocalAddr => '127.0.0.1', LocalPort => $ENV{PORT}, Listen => 64, ReuseAddr => 1) or die;
while (my $client = $listen->accept) {
  while (my $line = <$client>) { last if $line eq "\\r\\n" }
  print $client "HTTP/1.1 200 OK\\r\\nContent-Length: 2\\r\\nConnection: close\\r\\n\\r\\nok";
  close $client;
}
`;

/** Whether the engine stays quick with many apps, on the process runtime and with a buildpack that does nothing. */
export const figures: FigureDefinition = {
  title: `${APPS} apps with ${DYNOS} dynos on the process runtime`,
  goals: { 'apps-list-ms': 50, 'request-ms': 50, 'loop-p99-ms': 50, 'cpu-percent': 5 },
  async measure() {
    const folder = await mkdtemp(join(tmpdir(), 'slipway-fleet-'));
    const source = await writeFiles(folder);
    const settings = readSettings({
      ...{ SLIPWAY_HOME: join(folder, 'home'), SLIPWAY_RUNTIME: 'process' },
      ...{ SLIPWAY_API_PORT: '0', SLIPWAY_ROUTER_PORT: '0' },
    });
    const problem = (what: string, error: unknown): void => {
      console.error(what, error);
    };
    const engine = await createEngine(settings, {
      version: '0',
      diagnostics: { problem, note: () => undefined },
      buildpacks: join(folder, 'buildpacks'),
    });
    const [near, far] = memoryTransports();
    serve({ handlers: engine.handlers, onProblem: problem }, far, 'bench');
    const client = createClient(near);
    try {
      return await fleet(client, engine.routerPort, source);
    } finally {
      await engine.close('stop');
      await rm(folder, { recursive: true, force: true });
    }
  },
};

async function writeFiles(folder: string): Promise<string> {
  const bin = join(folder, 'buildpacks', 'static', 'bin');
  const source = join(folder, 'source');
  await mkdir(bin, { recursive: true });
  await mkdir(source);
  for (const [name, text] of Object.entries({ detect: 'echo Perl', compile: ':', release: 'echo ---' })) {
    await writeFile(join(bin, name), `#!/usr/bin/env bash\n${text}\n`);
    await chmod(join(bin, name), 0o755);
  }
  await writeFile(join(source, 'server.pl'), SERVER);
  await writeFile(join(source, 'Procfile'), 'web: exec perl server.pl\nworker: while :; do sleep 60; done\n');
  return source;
}

async function fleet(client: Client, routerPort: number, source: string): Promise<Record<string, number>> {
  const loop = monitorEventLoopDelay({ resolution: 5 });
  loop.enable();
  const names = Array.from({ length: APPS }, (_, index) => `fleet-${index}`);
  const left = [...names];
  const started = performance.now();
  await Promise.all(
    Array.from({ length: TOGETHER }, async () => {
      for (let app = left.pop(); app !== undefined; app = left.pop()) {
        await client.call('apps.create', { name: app });
        await deploy({ client }, app, source);
        await client.call('formation.update', { app, updates: [{ type: 'worker', quantity: WORKERS }] });
      }
    }),
  );
  await waitFor(
    'all dynos',
    async () =>
      (await client.call('apps.list', {})).apps.reduce((sum, app) => sum + app.dynosUp, 0) === DYNOS,
    300_000,
  );
  loop.disable();
  console.log(`all ${DYNOS} dynos up after ${((performance.now() - started) / 1000).toFixed(0)} s`);
  const lists = await times(() => client.call('apps.list', {}));
  const requests = await times((index) => get(routerPort, names[index] ?? '', '/'));
  const before = process.cpuUsage();
  await sleep(20_000);
  const used = process.cpuUsage(before);
  return {
    'apps-list-ms': lists,
    'request-ms': requests,
    'loop-p99-ms': loop.percentile(99) / 1e6,
    'cpu-percent': ((used.user + used.system) / 1e6 / 20) * 100,
  };
}

/** 95th percentile of many, in milliseconds. */
async function times(ask: (index: number) => Promise<unknown>): Promise<number> {
  const all: number[] = [];
  for (let index = 0; index < QUESTIONS; index += 1) {
    const started = performance.now();
    await ask(index);
    all.push(performance.now() - started);
  }
  return all.sort((one, other) => one - other)[Math.floor(0.95 * QUESTIONS)] ?? 0;
}
