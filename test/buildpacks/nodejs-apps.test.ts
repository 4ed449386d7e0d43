import { languageTests } from './support/language.ts';

const RESTORED = /Restoring cache[^]*node_modules is taken from the last build/;

languageTests(
  'Node.js',
  [
    {
      fixture: 'node-npm',
      always: true,
      tool: 'npm, TypeScript',
      source: 'registry',
      says: [
        /npm ci --include=dev/,
        /Installing binaries[^]*node 24\.\d+\.\d+/,
        'Running build',
        'Pruning devDependencies',
      ],
      pages: {
        '/': 'hello from Express, in TypeScript, 21',
        '/about': /"node":"v24\.[\d.]+","environment":"production","compilerIsThere":false/,
      },
      worker: /app\[worker\.1\]: job 2 is [\w-]{8}$/,
      cached: RESTORED,
      changed: {
        ...{ file: 'src/server.ts', from: 'hello from', to: 'another hello from' },
        ...{ says: RESTORED, pages: { '/': 'another hello from Express' } },
      },
    },
    {
      fixture: 'node-yarn',
      tool: 'Yarn 1',
      source: 'registry',
      says: [
        /node 22\.\d+\.\d+[^]*yarn 1\.22\.\d+/,
        'yarn install --frozen-lockfile --non-interactive --ignore-engines --production=true',
      ],
      pages: {
        '/': '<ul><li>&lt;first&gt;</li><li>second</li></ul>',
        '/about': /"node":"v22\.[\d.]+","fastify":"5\.6\.1"/,
      },
      worker: /app\[worker\.1\]: 2 jobs done/,
      cached: RESTORED,
    },
    {
      fixture: 'node-pnpm',
      tool: 'pnpm, workspace',
      source: 'registry',
      says: [/pnpm 10\.18\.3[^]*pnpm install --frozen-lockfile/, 'Running build'],
      pages: { '/': 'total 0.30 by Hono', '/about': /"node":"v24\.[\d.]+"/ },
      worker: /app\[worker\.1\]: 2 sold for 19\.98/,
      cached: RESTORED,
    },
  ],
  [
    {
      fixture: 'node-broken',
      always: true,
      says: [
        /^ {7}TypeError: LIMIT is no number$/m,
        '-----> Build failed',
        /^ ! {5}The script "build" of package\.json failed; the lines above say why\.$/m,
      ],
    },
    {
      fixture: 'node-unknown-version',
      says: [/^ ! {5}There is no Node\.js 1999\.x\. The registry has .* 24/m],
    },
  ],
);
