import './support/jvm.ts';
import { languageTests } from './support/language.ts';

languageTests(
  'Clojure',
  [
    {
      fixture: 'clojure-uberjar',
      tool: 'Leiningen',
      source: 'distribution',
      says: ['Installing OpenJDK 21', 'Running: lein uberjar', 'Default types for buildpack -> web'],
      pages: { '/': '{"clojure":"1.12.0","java":21}' },
      worker: /app\[worker\.1\]: worked 1 times/,
      cached: /OpenJDK 21\.[\d.]+ is taken from the last build(?![^]*Retrieving)/,
    },
  ],
  [
    {
      fixture: 'clojure-broken',
      says: [/Unable to resolve symbol: no-such-function/, ' !     `lein uberjar` failed'],
    },
  ],
);
