import { languageTests } from './support/language.ts';

const CACHED = /Restoring cache[^]*nginx 1\.\d+\.\d+ is taken from the last build/;
const common = { tool: 'nginx', source: 'distribution', cached: CACHED } as const;
const INSTALLED = /nginx 1\.\d+\.\d+ comes from packages of Debian trixie/;

languageTests(
  'Static files',
  [
    {
      ...common,
      fixture: 'static-page',
      always: true,
      says: ['Static files app detected', INSTALLED, 'Files of the app are served as they are'],
      pages: { '/': 'hello from a page', '/site.css': 'teal', '/.heroku/static/nginx.conf': '404 Not Found' },
    },
    {
      ...common,
      fixture: 'static-json',
      always: true,
      says: ['Files of site/ are served as static.json says'],
      pages: {
        '/': 'page index',
        '/about': 'page about',
        '/app/one/two': 'page app',
        '/none': 'page lost',
        '/old/page': '302 Found',
      },
    },
    {
      ...common,
      fixture: 'static-public',
      says: ['Files of public/ are served as they are'],
      pages: { '/': 'hello from public' },
      worker: /app\[worker\.1\]: worked for worker\.1/,
    },
  ],
  [
    {
      fixture: 'static-broken',
      always: true,
      says: ['-----> Build failed', ' !     static.json is no JSON: '],
    },
  ],
);
