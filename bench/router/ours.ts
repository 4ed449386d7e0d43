import { openSync, writeSync } from 'node:fs';
import { createThreadedRouter } from '#engine/router/threaded-router.ts';

const [port, backend, logFile = ''] = process.argv.slice(2);

/** The router as the engine has it, with one app of one dyno; its lines go to a file. */
const file = openSync(logFile, 'a');
const router = createThreadedRouter({
  log: (_appId, lines) => {
    let text = '';
    for (const line of lines) text += `${line.text}\n`;
    writeSync(file, text);
  },
  onProblem: (what, error) => {
    console.error(what, error);
  },
  limits: { backlogPerDyno: 10_000 },
});
const address = { host: '127.0.0.1', port: Number(backend) };
router.setRoute({
  appId: 'bench',
  appName: 'bench',
  state: 'up',
  backends: [{ dynoId: 'web', name: 'web.1', address }],
});
await router.listen(Number(port), ['127.0.0.1']);
