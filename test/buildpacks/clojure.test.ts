import { takenAgain } from './support/jvm.ts';
import { languageTests } from './support/language.ts';

languageTests(
  'Clojure',
  [
    {
      fixture: 'clojure-uberjar',
      tool: 'Leiningen, uberjar',
      source: 'distribution',
      says: ['Installing OpenJDK 21', 'Running: lein uberjar', 'Default types for buildpack -> web'],
      pages: { '/': '{"clojure":"1.12.0","java":21}' },
      worker: /app\[worker\.1\]: worked 1 times/,
      cached: takenAgain(21),
      changed: {
        ...{ file: 'src/app/web.clj', from: ':java', to: ':changed' },
        ...{ says: /Running: lein uberjar(?![^]*Retrieving)/, pages: { '/': '"changed":21' } },
      },
    },

    {
      fixture: 'clojure-jetty',
      tool: 'Leiningen, Jetty',
      source: 'distribution',
      says: ['No version of OpenJDK is named; 25 is taken', 'with-profile production compile :all'],
      pages: { '/boats': 'hello from Jetty at /boats on Java 25' },
      cached: 'What it made is taken again',
    },
    {
      fixture: 'clojure-deps',
      tool: 'tools.deps, tools.build, Jetty',
      source: 'distribution',
      says: [
        "Installing Clojure's tools.deps",
        'Running: clojure -T:build uber',
        'Default types for buildpack -> web',
      ],
      pages: { '/boats': '{"path":"\\/boats","java":21,"clojure":"1.12.0"}' },
      worker: /app\[worker\.1\]: worked 1 times/,
      cached: takenAgain(21),
      changed: {
        ...{ file: 'src/app/web.clj', from: ':path', to: ':changed' },
        ...{ says: /-T:build uber(?![^]*Downloading)/, pages: { '/': '"changed":"\\/"' } },
      },
    },
    {
      fixture: 'clojure-sources',
      tool: 'tools.deps, from sources',
      source: 'distribution',
      says: ['Running: clojure -P -M:run', 'Running: clojure -P -X:worker'],
      pages: { '/': '{"clojure":"1.12.0","java":21}' },
      worker: /app\[worker\.1\]: worker worked 1 times/,
      cached: takenAgain(21),
    },
  ],
  [
    {
      fixture: 'clojure-broken',
      says: [/Unable to resolve symbol: no-such-function/, ' !     `lein uberjar` failed'],
    },
    {
      fixture: 'clojure-deps-broken',
      says: [/Unable to resolve symbol: no-such-function/, ' !     `clojure -T:build uber` failed'],
    },
  ],
);
