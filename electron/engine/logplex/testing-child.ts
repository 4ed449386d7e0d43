import { writeSync } from 'node:fs';
import { systemClock } from '../util/clock.ts';
import { DynoLogs } from './dyno-logs.ts';
import { openLogplex } from './logplex.ts';
import { numberedOutput } from './testing-output.ts';

/**
 * A process that is made to be killed: brings the endless output of one dyno into the log, in chunks of random sizes,
 * and prints the number and text of lines that a reader has seen. `problem` is printed when lines cannot be stored.
 */
const [folder = ''] = process.argv.slice(2);
const logplex = await openLogplex({
  folder,
  clock: systemClock,
  onProblem: () => {
    writeSync(1, 'problem\n');
  },
});
const { sink, after } = new DynoLogs(logplex, systemClock).openOutput('app', 'dyno', 'web.1');
const reader = logplex.open('app', { filter: {}, lines: 0 }, new AbortController().signal);

let offset = Number(after ?? 0);
setInterval(() => {
  for (let count = 0; count < 5; count += 1) {
    const bytes = numberedOutput(offset, 1 + Math.floor(Math.random() * 400));
    offset += bytes.length;
    sink.onBytes('stdout', bytes, Date.now() * 1_000, String(offset));
  }
}, 1);

for await (const record of reader) {
  if (record.kind === 'line' && Number(record.text) % 20 === 0)
    writeSync(1, `${record.seq} ${record.text}\n`);
}
