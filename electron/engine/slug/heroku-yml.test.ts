import { describe, expect, it } from 'vitest';
import { BuildFailure } from './failure.ts';
import { readHerokuYml } from './heroku-yml.ts';
import { imagesDigest, shellText } from './image-compiler.ts';

const BUILD = 'build:\n  docker:\n    web: Dockerfile\n    worker: worker/Dockerfile\n';

describe('heroku.yml', () => {
  it('names images, build arguments, process types, a release command and what a new app gets', () => {
    const plan = readHerokuYml(`setup:
  addons:
    - plan: heroku-postgresql
      as: DATABASE
    - heroku-redis
  config:
    S3_BUCKET: my-bucket
    WORKERS: 2
build:
  docker:
    web: ./Dockerfile
    worker:
      dockerfile: worker/Dockerfile
      target: slim
  config:
    RAILS_ENV: production
    DEBUG: false
release:
  image: worker
  command:
    - ./migrate.sh
    - --all
run:
  web: bundle exec puma -p $PORT
  clock:
    command:
      - ./clock.sh
    image: worker
  console:
    image: worker
`);
    expect(plan).toEqual({
      builds: [
        { type: 'web', dockerfile: 'Dockerfile', target: null },
        { type: 'worker', dockerfile: 'worker/Dockerfile', target: 'slim' },
      ],
      args: { RAILS_ENV: 'production', DEBUG: 'false' },
      runs: {
        web: { image: 'web', command: 'bundle exec puma -p $PORT' },
        worker: { image: 'worker', command: null },
        clock: { image: 'worker', command: './clock.sh' },
        console: { image: 'worker', command: null },
        release: { image: 'worker', command: './migrate.sh --all' },
      },
      config: { S3_BUCKET: 'my-bucket', WORKERS: '2' },
      addons: ['heroku-postgresql', 'heroku-redis'],
    });
  });

  it('a type without an image of its own has that of web, or the only one', () => {
    expect(readHerokuYml(`${BUILD}run:\n  clock: ./clock\n`).runs['clock']).toEqual({
      image: 'web',
      command: './clock',
    });
    const only = 'build:\n  docker:\n    jobs: Dockerfile\nrelease:\n  command: ./prepare\n';
    expect(readHerokuYml(only).runs['release']).toEqual({ image: 'jobs', command: './prepare' });
  });

  it.each([
    ['build:\n  docker:\n    web: [Dockerfile\n', /^- line 4, column 1: /m],
    ['', /^- the file: .*object/m],
    ['run:\n  web: x\n', /^- build: /m],
    ['build:\n  docker: {}\n', /^- build\.docker names no image/m],
    [`${BUILD}adons: []\n`, /^- adons is not known\.$/m],
    ['build:\n  packs: [heroku/ruby]\n  docker:\n    web: Dockerfile\n', /^- build\.packs is not known\.$/m],
    [
      'build:\n  docker:\n    web: ../Dockerfile\n',
      /^- build\.docker\.web: it has to be a path within the source\.$/m,
    ],
    [
      'build:\n  docker:\n    web: /etc/Dockerfile\n',
      /^- build\.docker\.web: it has to be a path within the source\.$/m,
    ],
    [
      'build:\n  docker:\n    web:\n      file: Dockerfile\n',
      /^- build\.docker\.web: it has to be the path of a Dockerfile, or "dockerfile:" and "target:"\.$/m,
    ],
    [
      'build:\n  docker:\n    "we b": Dockerfile\n',
      /^- build\.docker\.we b: a process type is made of letters/m,
    ],
    [
      'build:\n  config:\n    "A-B": x\n  docker:\n    web: Dockerfile\n',
      /^- build\.config\.A-B: it is no name of a build argument\.$/m,
    ],
    [`${BUILD}run:\n  web: [1, 2]\n`, /^- run\.web: it has to be a command, or "command:" and "image:"\.$/m],
    [
      `${BUILD}run:\n  web:\n    image: wob\n`,
      /^- run\.web\.image is "wob", which build\.docker does not build; it builds web, worker\.$/m,
    ],
    [`${BUILD}release:\n  image: db\n`, /^- release\.image is "db", which build\.docker does not build/m],
    [
      `${BUILD}setup:\n  config:\n    "A B": x\n`,
      /^- setup\.config\.A B: a config var name is made of letters/m,
    ],
    [
      'build:\n  docker:\n    one: A\n    two: B\nrun:\n  clock: ./clock\n',
      /^- run\.clock has to say which image it uses: add "image:" with one of one, two\.$/m,
    ],
    ['a: &a [x]\nb: [*a, *a]\n', /^- a, b is not known\.$|is not known/m],
  ])('%j is refused with the place and what it has to be', (text, expected) => {
    let problem: unknown = null;
    try {
      readHerokuYml(text);
    } catch (error) {
      problem = error;
    }
    expect(problem).toBeInstanceOf(BuildFailure);
    expect(problem).toMatchObject({ code: 'heroku_yml_invalid', message: expected });
  });
});

describe('images of a release', () => {
  it.each([
    [['/bin/sh', '-c', 'node server.js | tee log'], 'node server.js | tee log'],
    [['gunicorn', '--bind', '0.0.0.0:$PORT', 'app:main'], 'gunicorn --bind 0.0.0.0:$PORT app:main'],
    [
      ['echo', 'two words', 'a"b', '`date`', 'back\\slash'],
      'echo "two words" "a\\"b" "\\`date\\`" "back\\\\slash"',
    ],
    [['run', ''], 'run ""'],
  ])('%j is the command %s', (words, expected) => {
    expect(shellText(words)).toBe(expected);
  });

  it('one image names the slug by its id, several by all of them in any order', () => {
    const image = (digit: string) => ({
      id: `sha256:${digit.repeat(64)}`,
      reference: digit,
      arguments: null,
    });
    expect(imagesDigest({ web: image('a'), worker: image('a') })).toBe('a'.repeat(64));
    const both = imagesDigest({ web: image('a'), worker: image('b') });
    expect(both).toMatch(/^[0-9a-f]{64}$/);
    expect(imagesDigest({ other: image('b'), web: image('a') })).toBe(both);
  });
});
