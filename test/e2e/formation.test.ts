import { createHash } from 'node:crypto';
import { readdir, readFile, writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import type { FormationUpdate } from '#shared/contract/contract.ts';
import { memoryText } from '#shared/model/size.ts';
import { type AppFolder, expressApp } from './support/app-folder.ts';
import { deploy, type Host, logLines, startHost, untilAnswer, waitFor } from './support/host.ts';

const APP = 'sized';
const APP_JSON = {
  name: 'Sized',
  formation: {
    web: { quantity: 2, size: 'performance-2xl' },
    worker: { quantity: 1, size: 'gigantic' },
    clock: { quantity: 1 },
  },
};
/** What a dyno of the size is told, in the log. */
const WORKER = `
for (const name of ['MEMORY_AVAILABLE', 'WEB_CONCURRENCY', 'HEROKU_APP_NAME', 'HEROKU_RELEASE_VERSION', 'HEROKU_SLUG_DESCRIPTION'])
  console.log(name, process.env[name] ?? 'none');
console.log('ulimit', require('node:child_process').execSync('ulimit -u', { shell: '/bin/bash', encoding: 'utf8' }).trim());
setInterval(() => {}, 1000);
`;

describe('dyno sizes and formation on plain processes', () => {
  let host: Host;
  let folder: AppFolder;

  beforeAll(async () => {
    folder = await expressApp();
    await folder.write('Procfile', 'web: node server.js\nworker: node worker.cjs\n');
    await folder.write('worker.cjs', WORKER);
    await folder.write('app.json', JSON.stringify(APP_JSON));
    host = await startHost({ SLIPWAY_RUNTIME: 'process' });
    await host.client.call('apps.create', { name: APP });
  });
  afterAll(async () => {
    await host.stop();
    await folder.remove();
  });

  const scale = (updates: FormationUpdate[]) => host.client.call('formation.update', { app: APP, updates });
  const formation = async (): Promise<string[]> =>
    (await host.client.call('formation.get', { app: APP })).formation.map(
      ({ type, quantity, size }) => `${type}@${quantity}:${size}`,
    );
  const lines = async (): Promise<string[]> =>
    (await logLines(host, APP)).map((line) => line.replace(/^\S+ /, ''));
  const said = (text: string): Promise<void> =>
    waitFor(`the log to say ${text}`, async () => (await lines()).includes(text));
  const slugs = async (): Promise<string[]> =>
    (await readdir(join(host.home, 'slugs'))).map((name) => join(host.home, 'slugs', name));

  it('the first release starts with the formation of app.json; what is wrong in it is a warning of the build', async () => {
    const build = await deploy(host, APP, folder.path);
    expect(build).toMatchObject({ status: 'succeeded', failure: null });
    expect(await formation()).toEqual(['web@2:Performance-2XL', 'worker@1:Standard-1X']);
    const log = await lines();
    for (const line of [
      'app[build]:  !     Warning: formation of app.json: there is no process type "clock", so it is skipped. Types: web, worker.',
      'app[build]:        Formation of app.json       -> web@2:Performance-2XL worker@1:Standard-1X',
    ])
      expect(log).toContain(line);
    expect(log.filter((line) => line.includes('the size of worker is not used'))).toHaveLength(1);
    expect(
      log.filter((line) => /Scaled to web@2:Performance-2XL worker@1:Standard-1X by user/.test(line)),
    ).toHaveLength(1);
    for (const text of ['MEMORY_AVAILABLE 512', 'WEB_CONCURRENCY 1', 'HEROKU_APP_NAME none', 'ulimit 256'])
      await said(`app[worker.1]: ${text}`);
  });

  it('a dyno of a size above the machine says in its log what it gets', async () => {
    const { memoryMiB } = (await host.client.call('system.info', {})).runtime.machine;
    const has = `this machine ${memoryText(Math.floor(memoryMiB))}: the dyno gets what there is`;
    const line = `heroku[web.1]: Performance-2XL has 126 GB of memory, ${has}`;
    if (memoryMiB < 126 * 1024) await said(line);
    else expect(await lines()).not.toContain(line);
  });

  it('a later deploy leaves the formation as it is', async () => {
    await folder.write('app.json', JSON.stringify({ formation: { web: { quantity: 5 } } }));
    await deploy(host, APP, folder.path);
    expect(await formation()).toEqual(['web@2:Performance-2XL', 'worker@1:Standard-1X']);
    expect((await lines()).filter((line) => line.includes('Formation of app.json'))).toHaveLength(1);
  });

  it('one bad change of several changes nothing; Eco is the size of all types', async () => {
    const before = await formation();
    const bad = scale([
      { type: 'worker', quantity: 2 },
      { type: 'web', quantity: 101 },
    ]);
    await expect(bad).rejects.toMatchObject({
      code: 'limit_reached',
      message: 'Cannot update to more than 100 Performance-2XL size dynos per process type.',
    });
    expect(await formation()).toEqual(before);
    await scale([{ type: 'web', quantity: 1, size: 'Eco' }]);
    expect(await formation()).toEqual(['web@1:Eco', 'worker@1:Eco']);
    await waitFor('all dynos to be Eco', async () => {
      const { dynos } = await host.client.call('dynos.list', { app: APP });
      return dynos.length === 2 && dynos.every((dyno) => dyno.size === 'Eco' && dyno.state === 'up');
    });
  });

  it('with the option dynos are told of app, release and slug', async () => {
    const { options } = await host.client.call('apps.update', { app: APP, dynoMetadata: true });
    expect(options.dynoMetadata).toBe(true);
    await host.client.call('dynos.restart', { app: APP, type: 'worker' });
    await said(`app[worker.1]: HEROKU_APP_NAME ${APP}`);
    await said('app[worker.1]: HEROKU_RELEASE_VERSION v4');
    expect(
      (await lines()).filter((line) => /HEROKU_SLUG_DESCRIPTION Deploy slug \w{8}$/.test(line)),
    ).toHaveLength(1);
  });

  it('a slug that was damaged on the disk starts nothing: R17; the next deploy takes nothing of it', async () => {
    const { slug } = await host.client.call('releases.get', { app: APP, version: 4 });
    const [file = ''] = (await slugs()).filter((path) => path.includes(slug?.sha256 ?? 'none'));
    const bytes = await readFile(file);
    bytes.writeUInt8(bytes.readUInt8(bytes.length >> 1) ^ 1, bytes.length >> 1);
    await writeFile(file, bytes);
    await host.client.call('dynos.restart', { app: APP, type: 'worker' });
    const r17 = new RegExp(
      `^heroku\\[worker\\.1\\]: Error R17 \\(Checksum error\\) -> Checksum does match expected value\\. Expected: SHA256:${slug?.sha256 ?? ''} Actual: SHA256:[0-9a-f]{64}$`,
    );
    await waitFor('R17', async () => (await lines()).some((line) => r17.test(line)));
    await untilAnswer(host, APP, 'hello from version one\n');
    await folder.greet('whole again');
    const build = await deploy(host, APP, folder.path);
    expect(build).toMatchObject({ status: 'succeeded', failure: null });
    await untilAnswer(host, APP, 'whole again\n');
    const made = (await host.client.call('releases.get', { app: APP, version: 5 })).slug?.sha256 ?? 'none';
    const [whole = ''] = (await slugs()).filter((path) => path.includes(made));
    expect(
      createHash('sha256')
        .update(await readFile(whole))
        .digest('hex'),
    ).toBe(made);
  });
});
