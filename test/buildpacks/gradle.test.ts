import { takenAgain } from './support/jvm.ts';
import { languageTests } from './support/language.ts';

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
      cached: takenAgain(21),
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
      cached: takenAgain(21),
    },
  ],
  [
    {
      fixture: 'gradle-broken',
      says: [/Web\.java:4: error: incompatible types/, ' !     Gradle could not build the app'],
    },
  ],
);
