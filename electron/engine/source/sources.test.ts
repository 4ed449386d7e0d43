import { execFileSync } from 'node:child_process';
import { chmod, mkdir, mkdtemp, rm, truncate, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { Readable } from 'node:stream';
import { pack } from 'tar-stream';
import { afterEach, beforeEach, describe, expect, it } from 'vitest';
import { AppName } from '#shared/model/names.ts';
import { Inspection } from '#shared/model/source.ts';
import { Uploads } from '../build/uploads.ts';
import { findBuildpacks } from '../slug/buildpacks.ts';
import { readSource } from '../slug/source.ts';
import { Samples } from './samples.ts';
import { Sources } from './sources.ts';

const BUILDPACKS = join(import.meta.dirname, '..', '..', '..', 'buildpacks');
const samples = new Samples(join(BUILDPACKS, 'samples'));
const MANIFEST = '{"name":"@ann/shop.js"}';

let root: string;
let uploads: Uploads;
let apps: { name: string; folder: string | null; stack?: string }[];
beforeEach(async () => {
  root = await mkdtemp(join(tmpdir(), 'slipway-sources-'));
  await mkdir(join(root, 'uploads'));
  uploads = new Uploads(join(root, 'uploads'));
  apps = [];
});
afterEach(async () => {
  await rm(root, { recursive: true, force: true });
});

async function sources(): Promise<Sources> {
  const buildpacks = await findBuildpacks(BUILDPACKS);
  const isTaken = (name: string): boolean => apps.some((each) => each.name === name);
  const rows = () => apps.map((each) => ({ stack: 'slipway-13', ...each }));
  return new Sources({ uploads, samples, buildpacks, apps: rows, isTaken, random: () => 0.5 });
}

async function folder(name: string, files: Record<string, string>): Promise<string> {
  const path = join(root, name);
  await mkdir(path);
  for (const [file, content] of Object.entries(files)) {
    await mkdir(join(path, file, '..'), { recursive: true });
    await writeFile(join(path, file), content);
  }
  return path;
}

async function inspect(path: string, app?: string): Promise<Inspection> {
  const found = await (await sources()).inspect({ kind: 'folder', path }, { app });
  return Inspection.parse(found);
}

describe('a folder', () => {
  it('is told by name, language, process types and size, with what a build would leave out left out', async () => {
    const path = await folder('My Shop', {
      'package.json': MANIFEST,
      Procfile: 'web: node a.js\n# note\nworker: node b.js',
      '.slugignore': '*.psd\n',
      'huge.psd': 'x'.repeat(500),
      'node_modules/a/index.js': 'x'.repeat(500),
    });
    const found = await inspect(path);
    const { files, bytes } = await readSource(path);
    expect(found).toEqual({
      suggestedName: 'my-shop',
      env: [],
      language: 'Node.js',
      processTypes: [
        { type: 'web', command: 'node a.js' },
        { type: 'worker', command: 'node b.js' },
      ],
      ...{ files, bytes, commit: null, app: null, problems: [] },
    });
    expect(files).toBe(3);
  });

  it('for stack container is what its heroku.yml or its Dockerfile says; for others a Dockerfile is named', async () => {
    const path = await folder('boxed', { Dockerfile: 'FROM scratch\n' });
    expect(await inspect(path)).toMatchObject({
      language: null,
      problems: [
        expect.stringMatching(
          /needs a package\.json in this folder\.\nThe source has a Dockerfile, .* `slipway create NAME --stack container`/,
        ),
      ],
    });
    apps = [{ name: 'boxed', folder: path }];
    expect((await inspect(path)).problems).toEqual([
      expect.stringMatching(/`slipway stack:set container --app boxed`, or in the app under Options → Stack/),
    ]);
    apps = [
      { name: 'boxed', folder: null, stack: 'container' },
      { name: 'other', folder: path },
    ];
    expect(await inspect(path, 'boxed')).toMatchObject({
      language: 'Dockerfile',
      problems: [],
      app: 'other',
    });
    apps = [{ name: 'boxed', folder: path, stack: 'container' }];
    expect(await inspect(path)).toMatchObject({
      ...{ language: 'Dockerfile', problems: [] },
      processTypes: [{ type: 'web', command: 'as the image of web says' }],
    });
    const manifest = 'build:\n  docker:\n    web: Dockerfile\nrun:\n  web: ./serve\n';
    const own = await folder('own', { 'app.json': '{"stack":"container"}', 'heroku.yml': manifest });
    expect(await inspect(own)).toMatchObject({
      ...{ language: 'heroku.yml', problems: [] },
      processTypes: [{ type: 'web', command: './serve' }],
    });
    await writeFile(join(own, 'heroku.yml'), 'web: x\n');
    expect((await inspect(own)).problems).toEqual([expect.stringMatching(/^heroku\.yml cannot be used:/)]);
  });

  it('has the commit of its work tree, and the app that was deployed from it; the name is not taken', async () => {
    const path = await folder('shop', { 'package.json': MANIFEST });
    const git = (...args: string[]): string =>
      execFileSync('git', ['-C', path, ...args], { encoding: 'utf8' });
    git('init', '-q');
    git('add', '.');
    git('-c', 'user.name=a', '-c', 'user.email=a@b', 'commit', '-qm', 'one');
    apps = [
      { name: 'shop', folder: null },
      { name: 'shop-2', folder: `${path}/` },
    ];
    expect(await inspect(`${path}/`)).toMatchObject({
      ...{ suggestedName: 'shop-3', app: 'shop-2', commit: git('rev-parse', 'HEAD').trim(), problems: [] },
    });
  });

  it('has a valid free name whatever it is called', async () => {
    apps = ['a'.repeat(30), 'shop'].map((name) => ({ name, folder: null }));
    for (const name of ['a'.repeat(40), '日本', '3', 'Ünïcode & more!', 'x', '--', 'shop']) {
      const { suggestedName } = await inspect(await folder(name, { 'package.json': MANIFEST }));
      expect([name, AppName.safeParse(suggestedName).success]).toEqual([name, true]);
      expect(apps.map((each) => each.name)).not.toContain(suggestedName);
    }
  });

  it('that cannot be deployed is an answer that says why and what to do', async () => {
    const file = join(await folder('with-file', { 'a.txt': '' }), 'a.txt');
    const cases = [
      [join(root, 'nowhere'), /^There is no folder .*nowhere\. Check the path/],
      [file, /is not a folder\. Name the folder of a project\.$/],
      [await folder('empty', {}), /has no files to deploy/],
      ['relative/path', /^relative\/path is no whole path\. Write it from its beginning/],
      [await folder('other', { 'main.cobol': '' }), /^No buildpack takes .*package\.json/],
      [
        await folder('bad', { 'package.json': '{}', Procfile: 'rubbish\n' }),
        /^No line of the Procfile .*"web:/s,
      ],
      [await folder('binary', { 'package.json': '{}', Procfile: 'a\0b' }), /^The Procfile is no UTF-8 text/],
    ] as const;
    for (const [path, problem] of cases) {
      const { problems } = await inspect(path);
      expect([path, problems]).toEqual([path, [expect.stringMatching(problem)]]);
    }
  });

  it.each([
    ['Python', 'requirements.txt'],
    ['Python', 'uv.lock'],
    ['Go', 'go.mod'],
    ['Ruby', 'Gemfile'],
    ['PHP', 'composer.json'],
    ['PHP', 'index.php'],
    ['Java', 'pom.xml'],
    ['Gradle', 'build.gradle.kts'],
    ['Clojure', 'project.clj'],
    ['Scala', 'build.sbt'],
    ['Static files', 'public/index.html'],
    ['Static files', 'static.json'],
  ])('is %s by its %s', async (language, file) => {
    const found = await inspect(await folder('project', { [file]: '', Procfile: 'web: run' }));
    expect(found).toMatchObject({ language, problems: [] });
  });

  it('over 1 GiB is told with its size', async () => {
    const path = await folder('large', { 'package.json': '{}', 'disk.img': '' });
    await truncate(join(path, 'disk.img'), 2 ** 30);
    const found = await inspect(path);
    expect(found.problems).toEqual([expect.stringMatching(/is larger than 1024\.0M\. List what/)]);
    expect([found.files, found.bytes, found.language]).toEqual([2, 2 ** 30 + 2, 'Node.js']);
  });

  it.skipIf(process.getuid?.() === 0)('that may not be read is told', async () => {
    const path = await folder('secret', { 'package.json': '{}' });
    await chmod(path, 0);
    expect((await inspect(path)).problems).toEqual([expect.stringMatching(/cannot be read.*Allow yourself/)]);
    await chmod(path, 0o700);
  });
});

describe('an upload', () => {
  async function upload(files: Record<string, string>): Promise<string> {
    const tar = pack();
    for (const [name, content] of Object.entries(files)) tar.entry({ name }, content);
    tar.finalize();
    return (await uploads.receive(Readable.from(tar))).upload;
  }

  it('is named by its package.json, and stays to be deployed', async () => {
    const id = await upload({ 'package.json': MANIFEST, Procfile: 'web: node .' });
    const found = await (await sources()).inspect({ kind: 'upload', upload: id });
    expect(found).toMatchObject({ suggestedName: 'ann-shop-js', language: 'Node.js', files: 2, app: null });
    expect(await uploads.claim(id)).toContain('.taken');
  });

  it('that cannot be deployed is told without a path of the data folder', async () => {
    const id = await upload({ 'notes.txt': 'x' });
    const { problems } = await (await sources()).inspect({ kind: 'upload', upload: id });
    expect(problems).toEqual([expect.stringMatching(/^No buildpack takes the upload: /)]);
    expect(problems.join()).not.toContain(root);
  });

  it('that is not there is an error', async () => {
    for (const id of ['../../etc', '00000000-0000-4000-8000-000000000000']) {
      await expect((await sources()).inspect({ kind: 'upload', upload: id })).rejects.toMatchObject({
        code: 'not_found',
      });
    }
  });
});

describe('a sample', () => {
  it('can be deployed, each of them, and belongs to no work tree', async () => {
    const list = await samples.list();
    const names = ['hello-node', 'clock-worker', 'express-api', 'hello-python', 'hello-go'];
    expect(list.map((each) => each.name)).toEqual(names);
    for (const { name, language } of list) {
      const found = await (await sources()).inspect({ kind: 'sample', sample: name });
      expect(found).toMatchObject({ suggestedName: name, language, commit: null, app: null, problems: [] });
      expect(found.processTypes[0]?.type).toBe('web');
      const copy = await uploads.copy(await samples.folder(name));
      expect((await readSource(copy)).files).toBe(found.files);
    }
  });

  it('that does not exist is an error that names the others', async () => {
    for (const sample of ['cobol', '../nodejs', 'samples.json']) {
      await expect((await sources()).inspect({ kind: 'sample', sample })).rejects.toMatchObject({
        ...{ code: 'not_found', message: expect.stringContaining('hello-node, clock-worker, express-api') },
      });
    }
  });
});
