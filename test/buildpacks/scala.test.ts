import { bigApps } from './support/jvm.ts';
import { languageTests } from './support/language.ts';

languageTests(
  'Scala',
  bigApps([
    {
      fixture: 'scala-stage',
      tool: 'sbt',
      source: 'distribution',
      says: ['Installing sbt 1.11.7', 'Running: sbt compile stage', 'Default types for buildpack -> web'],
      pages: { '/': '{"java":21}' },
      worker: /app\[worker\.1\]: worked 1 times/,
      cached: /OpenJDK 21\.[\d.]+ is taken from the last build[^]*\[success\]/,
    },
  ]),
  [],
);
