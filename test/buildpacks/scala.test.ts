import { takenAgain } from './support/jvm.ts';
import { languageTests } from './support/language.ts';

languageTests(
  'Scala',
  [
    {
      fixture: 'scala-stage',
      tool: 'sbt',
      source: 'distribution',
      says: ['Installing sbt 1.11.7', 'Running: sbt compile stage', 'Default types for buildpack -> web'],
      pages: { '/': '{"java":21}' },
      worker: /app\[worker\.1\]: worked 1 times/,
      cached: takenAgain(21),
      changed: {
        ...{ file: 'src/main/scala/app/Shop.scala', from: '"java" ->', to: '"changed" ->' },
        ...{ says: /compiling 1 Scala source/, pages: { '/': '{"changed":21}' } },
      },
    },
    {
      fixture: 'scala-http4s',
      tool: 'sbt, http4s',
      source: 'distribution',
      says: ['No version of OpenJDK is named; 21 is taken', 'Default types for buildpack -> web'],
      pages: { '/': 'hello from http4s on Java 21', '/items/boat': 'item boat' },
      cached: 'What it made is taken again',
    },
    {
      fixture: 'scala-cask',
      tool: 'sbt, two projects, Cask',
      source: 'distribution',
      says: ['Installing OpenJDK 25', 'Default types for buildpack -> web'],
      pages: { '/': 'hello from Cask on Java 25' },
      worker: /app\[worker\.1\]: worked 1 times/,
      cached: takenAgain(25),
    },
  ],
  [
    {
      fixture: 'scala-broken',
      says: [
        /\[error\] .*Shop\.scala:4:18/,
        /Found: +\("none" : String\)/,
        ' !     sbt could not build the app; the lines above say why.',
      ],
    },
  ],
);
