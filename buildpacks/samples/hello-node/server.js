import { createServer } from 'node:http';

const port = Number(process.env.PORT ?? 3000);
const startedAt = Date.now();
let hits = 0;

/** Text that is safe within HTML. */
const escape = (text) => String(text).replace(/[&<>"']/g, (letter) => `&#${letter.charCodeAt(0)};`);

function page() {
  const facts = {
    Dyno: process.env.DYNO ?? 'none',
    Release:
      process.env.HEROKU_RELEASE_VERSION ??
      process.env.RELEASE ??
      'set the config var RELEASE to see it here',
    'Node.js': process.version,
    'Up for': `${Math.round((Date.now() - startedAt) / 1000)} s`,
  };
  const rows = Object.entries(facts).map(([name, value]) => `<dt>${name}</dt><dd>${escape(value)}</dd>`);
  return `<!doctype html>
<html lang="en">
<meta charset="utf-8">
<meta name="viewport" content="width=device-width, initial-scale=1">
<title>Hello from ${escape(process.env.DYNO ?? 'Node.js')}</title>
<style>
  :root { color-scheme: light dark; font: 1.1rem/1.5 system-ui, sans-serif; }
  body { display: grid; place-items: center; min-height: 100vh; margin: 0; }
  main { padding: 2rem 3rem; border: 1px solid color-mix(in srgb, currentcolor 20%, transparent); border-radius: 1rem; }
  h1 { margin: 0 0 1rem; }
  dl { display: grid; grid-template-columns: auto 1fr; gap: 0.25rem 1.5rem; }
  dt { opacity: 0.7; }
  dd { margin: 0; font-family: ui-monospace, monospace; }
  strong { font-size: 2.5rem; }
</style>
<main>
  <h1>It is running.</h1>
  <p><strong>${hits}</strong> ${hits === 1 ? 'visit' : 'visits'} to this dyno since it started</p>
  <dl>${rows.join('')}</dl>
</main>
`;
}

const server = createServer((request, response) => {
  if (request.url !== '/') {
    response.writeHead(404, { 'content-type': 'text/plain' }).end('There is nothing here.\n');
    return;
  }
  hits += 1;
  console.log(`visit ${hits}`);
  response.writeHead(200, { 'content-type': 'text/html; charset=utf-8' }).end(page());
});

server.listen(port, () => console.log(`listening on ${port}`));
process.on('SIGTERM', () => server.close(() => process.exit(0)));
