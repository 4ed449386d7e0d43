import { createHash } from 'node:crypto';
import type { BuildBox } from '#engine/runtime/runtime.ts';
import { expect, test } from 'vitest';
import type { ContractContext } from './suite.ts';
import { LIMIT, openBox, type SourceEntry, script, sourceTar } from './world.ts';

/** A source by path: content, or more. */
type Source = Readonly<Record<string, string | Omit<SourceEntry, 'name'>>>;

/** What the tests begin with. */
const SOURCE: Source = {
  'run.sh': { content: 'echo one', mode: 0o755 },
  'src/a.txt': 'a',
  'src/b.txt': 'b',
  'src/deep/c.txt': 'c',
  'src/link': { link: 'a.txt' },
};

/** Prints path and kind of each entry of the working folder, with mode and content of a file, and the target of a link. */
const SHOW = String.raw`find . -mindepth 1 -print0 | while IFS= read -r -d '' path; do
  if [ -L "$path" ]; then kind=link; content=$(readlink -- "$path")
  elif [ -d "$path" ]; then kind=folder; content=
  elif [ -f "$path" ]; then kind=$(ls -ld -- "$path"); kind=${'$'}{kind:0:10}; content=$(cat -- "$path")
  else kind=other; content=; fi
  printf '%s\0%s\0%s\0' "$path" "$kind" "$content"
done`;

/** What names the content of each file. */
function marksOf(source: Source): Map<string, string> {
  const files = Object.values(entriesOf(source)).filter(({ link }) => link === undefined);
  return new Map(
    files.map(({ name, ...file }) => [name, createHash('sha256').update(JSON.stringify(file)).digest('hex')]),
  );
}

function entriesOf(source: Source): SourceEntry[] {
  return Object.entries(source).map(([name, entry]) =>
    typeof entry === 'string' ? { name, content: entry } : { name, ...entry },
  );
}

/** Brings a source into a box as a build does, and looks that it is there as it is, and nothing else. @returns what was sent */
async function bring(box: BuildBox, source: Source): Promise<string[]> {
  const taken = await box.takeSource(marksOf(source));
  const sent = entriesOf(source).filter(({ name }) => !taken.has(name));
  if (sent.length > 0) await box.putSource(sourceTar(sent));
  await box.noteSource(marksOf(source));
  expect(await entriesIn(box)).toEqual(shown(source));
  return sent.map(({ name }) => name).sort();
}

async function entriesIn(box: BuildBox): Promise<string[]> {
  const { code, output } = await script(box, SHOW);
  expect(code).toBe(0);
  const fields = output.split('\0');
  return Array.from({ length: (fields.length - 1) / 3 }, (_, at) =>
    fields.slice(at * 3, at * 3 + 3).join('\0'),
  ).sort();
}

/** The same of what a source says. */
function shown(source: Source): string[] {
  const lines = entriesOf(source).flatMap(({ name, content, mode, link }) => {
    const kind = link !== undefined ? 'link' : mode === 0o755 ? '-rwxr-xr-x' : '-rw-r--r--';
    const parts = name.split('/').slice(0, -1);
    const folders = parts.map((_, at) => `./${parts.slice(0, at + 1).join('/')}\0folder\0`);
    return [...folders, `./${name}\0${kind}\0${link ?? content ?? ''}`];
  });
  return [...new Set(lines)].sort();
}

/** Promises of `takeSource` and `noteSource`: whatever happens, a build begins with the source as it is. */
export function sourceContract({ world, app }: ContractContext): void {
  test(
    'what has not changed since the last build is not sent again',
    async () => {
      const appId = app();
      expect(await built(appId, SOURCE)).toEqual(Object.keys(SOURCE).sort());
      expect(await built(appId, SOURCE)).toEqual(['src/link']);
      const { 'src/b.txt': _, ...rest } = SOURCE;
      const next = {
        ...rest,
        'src/a.txt': 'A',
        'new/file': 'n',
        'run.sh': { content: 'echo one', mode: 0o644 },
      };
      expect(await built(appId, next)).toEqual(['new/file', 'run.sh', 'src/a.txt', 'src/link']);
      expect(await built(appId, next)).toEqual(['src/link']);
    },
    LIMIT,
  );

  test(
    'a file may become a folder or a link, and each of them a file',
    async () => {
      const appId = app();
      const states: Source[] = [
        { one: '1', 'two/x': 'x', three: { link: 'one' } },
        { 'one/y': 'y', two: '2', three: '3' },
        { one: { link: 'two' }, 'two/x/y': 'xy', 'three/z': 'z' },
        { one: '1', two: { link: 'three' }, three: '3' },
      ];
      for (const state of [...states, ...states.reverse()]) await built(appId, { ...SOURCE, ...state });
    },
    LIMIT,
  );

  test(
    'names may have any characters',
    async () => {
      const appId = app();
      const names = ['new\nline', '-rf', 'ünï/çödé 日本', 'quo\'te"s $HOME `x`', 'back\\slash', ' ', '*/?'];
      const source = Object.fromEntries(names.map((name) => [name, name]));
      expect(await built(appId, source)).toEqual([...names].sort());
      const last = await built(
        appId,
        { ...source, '-rf': 'changed' },
        'mkdir -p "$1" && touch "$1/made" "$1"/-n',
        ['ünï/with\n line'],
      );
      expect(last).toEqual(['-rf']);
      expect(await built(appId, { ...source, '-rf': 'changed' })).toEqual([]);
    },
    LIMIT,
  );

  test.each<[what: string, script: string, sent: string[]]>([
    [
      'changed in place, with size and time as before',
      'touch -r src/a.txt t; printf X > src/a.txt; touch -r t src/a.txt',
      ['src/a.txt'],
    ],
    ['given another mode', 'chmod 600 src/a.txt', ['src/a.txt']],
    ['removed', 'rm -r src/deep', ['src/deep/c.txt']],
    ['moved', 'mv src/a.txt src/z.txt; mv src/b.txt src/a.txt', ['src/a.txt', 'src/b.txt']],
    ['linked to elsewhere', 'ln src/a.txt "$CACHE/a"', ['src/a.txt']],
    ['put behind a link', 'mv src/deep away; ln -s ../away src/deep', ['src/deep/c.txt']],
    ['put in a folder of another mode', 'chmod 700 src/deep', ['src/deep/c.txt']],
    ['put in a folder that nobody may read', 'chmod 0 src/deep', ['src/deep/c.txt']],
    ['joined by others', 'mkfifo src/pipe; touch src/deep/.new; mkdir src/empty; ln -s /etc src/etc', []],
    [
      'joined by a folder that nobody may write into',
      'mkdir src/fixed; touch src/fixed/x; chmod 555 src/fixed',
      [],
    ],
  ])('files that a build has %s', async (_, deed, sent) => {
    const appId = app();
    await built(appId, SOURCE, deed);
    const again = await built(appId, SOURCE);
    // Where a folder cannot be read all is sent.
    if (again.length < Object.keys(SOURCE).length) expect(again).toEqual([...sent, 'src/link']);
    else expect(deed).toMatch(/chmod 0 /);
    expect(await built(appId, SOURCE)).toEqual(['src/link']);
  });

  test(
    'what the last build made beside the source is where buildpacks look for it',
    async () => {
      const appId = app();
      await built(
        appId,
        SOURCE,
        'mkdir -p node_modules/x src/deep/made; echo 1 > node_modules/x/y; echo 2 > src/deep/made/z; chmod 555 src/deep/made',
      );
      const box = await openBox(world().runtime, appId);
      try {
        expect(await bring(box, SOURCE)).toEqual(['src/link']);
        const { output } = await script(box, 'cd "$LAST" && cat node_modules/x/y src/deep/made/z', {
          LAST: box.env['SLIPWAY_LAST_BUILD'] ?? '',
        });
        expect(output).toBe('1\n2\n');
      } finally {
        await box.close();
      }
    },
    LIMIT,
  );

  test(
    'builds that fail, break off or are cancelled in between change nothing',
    async () => {
      const appId = app();
      await built(appId, SOURCE);
      await built(appId, { ...SOURCE, 'src/b.txt': 'B' }, 'echo broken > src/a.txt; exit 3');
      expect(await built(appId, { ...SOURCE, 'src/b.txt': 'B' })).toEqual(['src/a.txt', 'src/link']);

      const half = await openBox(world().runtime, appId);
      await half.takeSource(marksOf({ ...SOURCE, 'src/deep/c.txt': 'C' }));
      await half.close();
      await built(appId, SOURCE);

      const ended = await openBox(world().runtime, appId);
      await bring(ended, SOURCE);
      const abort = new AbortController();
      const running = ended.run('echo cancelled > src/a.txt; echo started; sleep 600', {
        onOutput: () => {
          abort.abort();
        },
        signal: abort.signal,
      });
      await expect(running).rejects.toMatchObject({ code: 'cancelled' });
      await ended.close();
      await built(appId, SOURCE);
    },
    LIMIT,
  );

  test(
    'all is sent when the cache was purged, or the app is another one',
    async () => {
      const [appId, other] = [app(), app()];
      const all = Object.keys(SOURCE).sort();
      await built(appId, SOURCE);
      const purged = await openBox(world().runtime, appId, true);
      await purged.close();
      expect(await built(appId, SOURCE)).toEqual(all);
      expect(await built(other, SOURCE)).toEqual(all);
      await world().runtime.destroyApp(other, []);
      expect(await built(other, SOURCE)).toEqual(all);
    },
    LIMIT,
  );

  /** A build of the app: brings the source and runs a script. @returns what was sent */
  async function built(
    appId: string,
    source: Source,
    deed = 'true',
    words: readonly string[] = [],
  ): Promise<string[]> {
    const box = await openBox(world().runtime, appId);
    try {
      const sent = await bring(box, source);
      const args = words.map((word) => `'${word}'`).join(' ');
      await script(box, `set -- ${args}\n${deed}`, { CACHE: box.cacheDir });
      return sent;
    } finally {
      await box.close();
    }
  }
}
