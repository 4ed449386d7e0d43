import { execFile, execFileSync } from 'node:child_process';
import { createServer, type Server } from 'node:http';
import { readFile } from 'node:fs/promises';
import type { AddressInfo } from 'node:net';
import { join } from 'node:path';
import { promisify } from 'node:util';
import { afterAll, afterEach, beforeAll, beforeEach, describe, expect, it } from 'vitest';
import { build, scripts, type WorkFolder, workFolder } from './support/buildpack.ts';
import { whyNoDocker } from './support/docker.ts';
import { type Host, logLines, startHost, waitFor } from './support/host.ts';

const APP = 'several';
const PROCFILE = { Procfile: 'worker: sleep 1000\n' };

/** The classic buildpack API on one runtime, with buildpacks that are written here (reference: heroku-platform 2). */
export function buildpackSuite(runtime: 'docker' | 'process'): void {
  const skip = runtime === 'docker' && whyNoDocker() !== null;
  describe.skipIf(skip)(`buildpacks on the ${runtime} runtime`, () => {
    let host: Host;
    let work: WorkFolder;

    beforeAll(async () => {
      host = await startHost({ SLIPWAY_RUNTIME: runtime });
    });
    afterAll(async () => {
      await host.stop();
    });
    beforeEach(async () => {
      work = await workFolder();
      await host.client.call('apps.create', { name: APP });
    });
    afterEach(async () => {
      await host.client.call('apps.destroy', { app: APP, confirm: APP });
      await work.remove();
    });

    const set = (...buildpacks: string[]): Promise<unknown> =>
      host.client.call('buildpacks.set', { app: APP, buildpacks });

    it('run in their order, each with what those before it export; the last says the default types', async () => {
      const first = await work.files(
        'first',
        scripts(
          'First',
          `mkdir -p "$2" "$1/tmp"
echo "       args $# $([ -d "$1" ] && [ -d "$2" ] && [ -f "$3/SECRET" ] && echo good) in $([ "$PWD" = "$1" ] && echo place)"
echo "       env STACK=$STACK SOURCE_VERSION=$SOURCE_VERSION REQUEST_ID=\${#REQUEST_ID} SECRET=\${SECRET-none} DYNO=\${DYNO-none} PORT=\${PORT-none}"
echo "       file $(cat "$3/SECRET" | tr '\\n' ,)"
echo 'declare -x TOOL="from first"' > "$(dirname "$0")/../export"
echo one >> "$2/count"; echo "       builds $(wc -l < "$2/count" | tr -d ' ')"`,
          'echo "default_process_types: {fromfirst: sleep 1}"',
        ),
      );
      await work.files('second', {
        'bin/detect': '#!/bin/sh\necho "Second with $TOOL"\n',
        'bin/compile': `#!/bin/sh\necho "       tool $TOOL"\nmkdir -p "$1/tmp"\necho 'default_process_types: {later: sleep 1, worker: sleep 9}' > "$1/tmp/release.yml"\n`,
        'bin/release': '#!/bin/sh\ncat "$1/tmp/release.yml"\n',
      });
      work.commit('second', 'v1');
      const second = `file://${join(work.path, 'second')}#v1`;
      const app = await work.files('app', PROCFILE);
      const commit = work.commit('app');
      await host.client.call('config.update', { app: APP, change: { SECRET: 'two\nlines' } });
      await set(first, second);
      const { build: done, output } = await build(host, APP, app);
      expect(done.failure).toBeNull();
      expect(output).toContain(`-----> Building on the Slipway-13 stack
-----> Using buildpacks:
       1. ${first}
       2. ${second}
-----> First app detected
       args 3 good in place
       env STACK=slipway-13 SOURCE_VERSION=${commit} REQUEST_ID=36 SECRET=none DYNO=none PORT=none
       file two,lines
       builds 1
-----> Second with from first app detected
       tool from first
-----> Discovering process types
       Procfile declares types     -> worker
       Default types for buildpack -> later
-----> Compressing...
`);
      const release = await host.client.call('releases.get', { app: APP, version: done.release ?? 0 });
      expect(release.slug?.processTypes).toEqual({ worker: 'sleep 1000', later: 'sleep 1' });
      expect(release.slug?.language).toBe('Second with from first');

      expect(release.description).toBe(`Deploy ${commit.slice(0, 8)}`);

      // The cache stays until it is purged; the buildpack itself begins anew each time.
      await work.files('app', { note: 'not committed' });
      const changed = await build(host, APP, app);
      expect(changed.output).toContain('       builds 2\n');
      const next = await host.client.call('releases.get', { app: APP, version: changed.build.release ?? 0 });
      expect(next.description).toBe(`Deploy ${commit.slice(0, 8)} with uncommitted changes`);
      await host.client.call('builds.purgeCache', { app: APP });
      expect((await build(host, APP, app)).output).toContain('       builds 1\n');
    });

    it('fail the deploy when one of them does not take the app, in the platform’s words', async () => {
      const good = await work.files('good', scripts('Good', 'echo "       compiled"'));
      const bad = await work.files('bad', {
        ...scripts('', 'true'),
        'bin/detect': '#!/bin/sh\necho "no gemfile" >&2\nexit 1\n',
      });
      const silent = await work.files('silent', {
        ...scripts('', 'true'),
        'bin/detect': '#!/bin/sh\nexit 1\n',
      });
      const app = await work.files('app', PROCFILE);
      const commit = work.commit('app');
      await set(good, bad);
      const first = await build(host, APP, app);
      expect(first.build).toMatchObject({
        status: 'failed',
        release: null,
        failure: { code: 'detect_failed' },
      });
      expect(first.output).toMatch(
        /-----> Good app detected\n {7}compiled\n-----> App not compatible with buildpack: \S+\/bad\n {7}no gemfile\n !     Push failed\n$/,
      );
      await set(silent);
      const second = await build(host, APP, app);
      expect(second.output).toContain(`-----> Using buildpack: ${silent}
-----> App not compatible with buildpack: ${silent}
       More info: https://devcenter.heroku.com/articles/buildpacks#detection-failure
 !     Push failed
`);
      expect(second.output).toContain(
        `\n ! ## Warning - The same version of this code has already been built: ${commit}\n !\n`,
      );
    });

    it('that make nothing of a source which Docker could build say so behind the platform’s words', async () => {
      const advice = ` !     The source has a Dockerfile, so Docker can build it: choose the stack container by \`slipway stack:set container --app ${APP}\`, or in the app under Options → Stack, and deploy again.\n !     Push failed\n`;
      const app = await work.files('app', { Dockerfile: 'FROM scratch\n' });
      const none = await build(host, APP, app);
      expect(none.build.failure).toMatchObject({ code: 'no_buildpack' });
      expect(none.output).toContain(` !     See https://devcenter.heroku.com/articles/buildpacks\n${advice}`);
      await set(await work.files('silent', { 'bin/detect': '#!/bin/sh\nexit 1\n', 'bin/compile': '' }));
      const refused = await build(host, APP, app);
      expect(refused.build.failure).toMatchObject({ code: 'detect_failed' });
      expect(refused.output).toContain(`#detection-failure\n${advice}`);
      await set(await work.files('idle', scripts('Idle', 'true')));
      const idle = await build(host, APP, app);
      expect(idle.build.failure).toMatchObject({ code: 'procfile_invalid' });
      expect(idle.output).toContain(`\n !     web: node server.js\n${advice}`);
    });

    it('come from an archive, which is kept for a build without a network', async () => {
      await work.files('pack', scripts('Packed', 'echo "       from the archive"'));
      execFileSync('tar', ['-C', work.path, '-czf', join(work.path, 'pack.tgz'), 'pack']);
      const bytes = await readFile(join(work.path, 'pack.tgz'));
      const seen: (string | undefined)[] = [];
      const server = createServer((request, answer) => {
        seen.push(request.headers['if-none-match']);
        if (request.headers['if-none-match'] === '"one"') answer.writeHead(304).end();
        else answer.writeHead(200, { etag: '"one"' }).end(bytes);
      });
      const url = `${await listen(server)}/pack.tgz`;
      const app = await work.files('app', PROCFILE);
      await set(url);
      for (let round = 0; round < 2; round += 1)
        expect((await build(host, APP, app)).output).toContain(
          '-----> Packed app detected\n       from the archive\n',
        );
      expect(seen).toEqual([undefined, '"one"']);
      server.close();
      server.closeAllConnections();
      const { build: done, output } = await build(host, APP, app);
      expect(done.failure).toBeNull();
      expect(output).toMatch(
        / !     \S+pack\.tgz could not be fetched: .*\. The copy of \d{4}-\d\d-\d\d is used\.\n/,
      );
      expect(output).toContain('       from the archive\n');
    });

    it('are said by BUILDPACK_URL before the list, and by .buildpacks when nothing else is said', async () => {
      const one = await work.files('one', scripts('One', 'true'));
      const two = await work.files('two', scripts('Two', 'true'));
      const three = await work.files('three', scripts('Three', 'true'));
      const app = await work.files('app', { ...PROCFILE, '.buildpacks': `# comment\n${one}\n\n${two}\n` });
      expect((await build(host, APP, app)).output).toContain(
        `-----> Using buildpacks:\n       1. ${one}\n       2. ${two}\n`,
      );
      await set(two);
      expect((await build(host, APP, app)).output).toContain(`-----> Using buildpack: ${two}\n`);
      await host.client.call('config.update', { app: APP, change: { BUILDPACK_URL: three } });
      expect(await host.client.call('buildpacks.list', { app: APP })).toEqual({
        ...{ buildpacks: [two], override: three, detected: null },
      });
      expect((await build(host, APP, app)).output).toContain(`-----> Using buildpack: ${three}\n`);
    });

    it('are set up by app.json when the app is made, with its config vars and its postdeploy command', async () => {
      const pack = await work.files(
        'pack',
        scripts(
          'Asked',
          'echo "       KEY has $(wc -c < "$3/KEY" | tr -d " ")"',
          'echo "addons: [heroku-postgresql]"',
        ),
      );
      const manifest = {
        env: { KEY: { generator: 'secret' }, MODE: 'live', TOKEN: { description: 'of the mail service' } },
        buildpacks: [{ url: pack }],
        addons: ['heroku-redis'],
        scripts: { postdeploy: 'echo "once in $DYNO with $MODE and $TOKEN"' },
      };
      const app = await work.files('app', { ...PROCFILE, 'app.json': JSON.stringify(manifest) });
      const missing = await build(host, APP, app);
      expect(missing.build.failure).toMatchObject({ code: 'config_missing' });
      expect(missing.output).toContain('have no value: TOKEN (of the mail service).');
      expect((await host.client.call('config.get', { app: APP })).vars).toEqual({});

      await host.client.call('config.update', { app: APP, change: { TOKEN: 'mine' } });
      const { build: done, output } = await build(host, APP, app);
      expect(done.failure).toBeNull();
      expect(output).toContain('       KEY has 64\n');
      expect(output).toContain(
        ' !     app.json asks for the add-ons heroku-redis. Slipway has no add-ons yet',
      );
      expect(output).toContain(' !     The buildpack asks for the add-ons heroku-postgresql.');
      expect(output).toMatch(
        /-----> Running postdeploy of app\.json\nonce in run\.\d{4} with live and mine\n/,
      );
      const { vars } = await host.client.call('config.get', { app: APP });
      expect(vars).toMatchObject({ MODE: 'live', TOKEN: 'mine' });
      const again = await build(host, APP, app);
      expect(again.output).not.toContain('postdeploy');
      expect((await host.client.call('config.get', { app: APP })).vars).toEqual(vars);
      expect(
        (await logLines(host, APP)).filter((line) => /once in run/.test(line) && / app\[run\./.test(line)),
      ).toHaveLength(1);
    });

    it('that hang and leave processes behind end with the cancelled build', async () => {
      const mark = `hang-${process.pid}-${runtime}`;
      const pack = await work.files(
        'pack',
        scripts(
          'Hanging',
          `trap '' TERM INT HUP
for at in 1 2 3 4 5; do setsid bash -c "trap '' TERM; exec -a ${mark} sleep 3600" & done
while :; do echo "       still here"; sleep 1; done`,
        ),
      );
      const app = await work.files('app', PROCFILE);
      await set(pack);
      const { id } = await host.client.call('builds.start', {
        app: APP,
        source: { kind: 'folder', path: app },
      });
      for await (const items of host.client.open('builds.output', { app: APP, build: id })) {
        if (items.some(({ text }) => text.includes('still here'))) break;
      }
      const ended = await host.client.call('builds.cancel', { app: APP, build: id });
      expect(ended).toMatchObject({ status: 'failed', failure: { code: 'cancelled' } });
      // They are killed by now; until they are gone the system takes a moment.
      await waitFor(
        'the end of all processes',
        async () => {
          const { stdout } = await promisify(execFile)('ps', ['-eo', 'args']);
          return !stdout.includes(`${mark} 3600`);
        },
        5_000,
      );
    });
  });
}

async function listen(server: Server): Promise<string> {
  await new Promise<void>((resolve) => server.listen(0, '127.0.0.1', resolve));
  return `http://127.0.0.1:${(server.address() as AddressInfo).port}`;
}
