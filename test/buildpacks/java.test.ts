import { takenAgain } from './support/jvm.ts';
import { languageTests } from './support/language.ts';

languageTests(
  'Java',
  [
    {
      fixture: 'java-plain',
      tool: 'Maven',
      source: 'distribution',
      says: ['Installing OpenJDK 21', 'Installing Maven 3.9', 'BUILD SUCCESS', 'Build succeeded!'],
      pages: { '/': /^(?=.*"java":21)(?=.*"heap":(29\d|300))(?=.*"home":"\/app\/\.jdk").*$/ },
      worker: /app\[worker\.1\]: worked 1 times/,
      cached: takenAgain(21),
      changed: {
        ...{ file: 'src/main/java/app/Web.java', from: '"java"', to: '"changed"' },
        ...{ says: /Compiling 2 source files/, pages: { '/': '"changed":21' } },
      },
    },

    {
      fixture: 'java-javalin',
      tool: 'Maven of a version, Javalin',
      source: 'distribution',
      says: ['Installing OpenJDK 21', 'Installing Maven 3.9.11', 'BUILD SUCCESS'],
      pages: { '/': 'hello from Javalin on Java 21', '/items/boat': 'item boat' },
      worker: /app\[worker\.1\]: worked 1 times/,
      cached: takenAgain(21),
    },
    {
      fixture: 'java-spring',
      tool: 'Maven, Spring Boot',
      source: 'distribution',
      says: ['No version of OpenJDK is named; 25 is taken', 'Default types for buildpack -> web'],
      pages: { '/': 'hello from Spring Boot on Java 25' },
      cached: takenAgain(25),
    },
  ],
  [
    {
      fixture: 'java-broken',
      says: [
        /^ {7}\[ERROR\] .*Web\.java:\[4,14\] incompatible types/m,
        '-----> Build failed',
        ' !     Maven could not build the app; the lines above say why.',
      ],
    },
    {
      fixture: 'java-unknown-version',
      says: [' !     There is no OpenJDK 99 to be had.', /Debian trixie: 21\.\d+.* 25\.\d+/],
    },
  ],
);
