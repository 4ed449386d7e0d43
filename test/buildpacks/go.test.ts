import { languageTests } from './support/language.ts';

const CACHED = /Restoring cache[^]*Nothing has changed: programs are taken from the last build/;
const common = { source: 'module proxy', cached: CACHED } as const;

languageTests(
  'Go',
  [
    {
      ...common,
      fixture: 'go-stdlib',
      always: true,
      tool: 'modules',
      says: [
        'Using Go 1.25.3 specified in go.mod',
        'Go 1.25.3 comes from the module proxy',
        'There is no Procfile; written: web: bin/stdlib',
      ],
      pages: { '/': 'hello from net/http', '/about': 'go1.25.3' },
    },
    {
      ...common,
      fixture: 'go-chi',
      tool: 'vendor',
      says: [
        'Using Go 1.25.3 specified in go.mod (toolchain)',
        'Go 1.25.3 is at hand from an earlier build',
        '(packages of vendor/)',
      ],
      pages: { '/hello/world': 'hello world from chi', '/about': 'go1.25.3' },
    },
    {
      ...common,
      fixture: 'go-workers',
      tool: 'modules, two programs',
      says: [
        'Using Go 1.25.3 specified in go.mod (+heroku goVersion)',
        'go install -v -tags heroku ./cmd/...',
        './bin/web ./bin/worker',
      ],
      pages: { '/': '1.234.567 go1.25.3' },
      worker: /app\[worker\.1\]: worked 1\.000 times/,
      changed: {
        ...{ file: 'cmd/web/main.go', from: 'Number(1234567)', to: 'Number(7654321)' },
        ...{ says: 'go install -v -tags heroku', pages: { '/': '7.654.321' } },
      },
    },
  ],
  [
    {
      fixture: 'go-broken',
      always: true,
      says: [
        /^ {7}\.\/main\.go:4:2: undefined: undefinedName$/m,
        '-----> Build failed',
        ' !     The app could not be built',
      ],
    },
    {
      fixture: 'go-library',
      always: true,
      says: [
        ' !     The module has no package main, so there is no program to build. Name what to build in go.mod:',
      ],
    },
    {
      fixture: 'go-unknown-version',
      says: [' !     There is no Go 1.99.1 to be had', /The module proxy has: .*1\.25/],
    },
  ],
);
