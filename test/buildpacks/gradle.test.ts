import { languageTests } from './support/language.ts';

const TAKEN = /OpenJDK 21\.[\d.]+ is taken from the last build[^]*What it made is taken again/;

languageTests(
  'Gradle',
  [
    {
      fixture: 'gradle-plain',
      tool: 'Gradle',
      source: 'distribution',
      says: ['The project has no Gradle wrapper', 'Executing: gradle stage', 'BUILD SUCCESSFUL'],
      pages: { '/': '"java":21' },
      worker: /app\[worker\.1\]: worked 1 times/,
      cached: TAKEN,
      changed: {
        ...{ file: 'src/main/java/app/Web.java', from: '"java"', to: '"changed"' },
        ...{ says: 'BUILD SUCCESSFUL', pages: { '/': '"changed":21' } },
      },
    },

    {
      fixture: 'gradle-wrapper',
      tool: 'Gradle wrapper',
      source: 'upstream, distribution',
      says: ['Installing Gradle 8.14.3', 'Executing: gradle build -x test', 'BUILD SUCCESSFUL'],
      pages: { '/': '"java":21' },
      cached: TAKEN,
    },
  ],
  [
    {
      fixture: 'gradle-broken',
      says: [/Web\.java:4: error: incompatible types/, ' !     Gradle could not build the app'],
    },
  ],
);
