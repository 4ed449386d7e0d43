import { cp, mkdtemp, readFile, rm, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';

const FIXTURES = join(import.meta.dirname, '..', '..', 'test', 'fixtures');

/** An app that all contestants build. */
export interface BenchApp {
  readonly title: string;
  /** Folder below `test/fixtures`; also the name of its images. */
  readonly fixture: string;
  /** Buildpack that takes it. */
  readonly buildpack: string;
  /** What a careful author would write: packages in a layer of their own, the source behind it. */
  readonly dockerfile: string;
  /** File with the line that changes, and how it reads for a number. */
  readonly file: string;
  readonly change: (text: string, number: number) => string;
}

/** A copy of an app that changes. */
export interface BenchFolder extends BenchApp {
  readonly path: string;
  /** Changes one line. */
  edit(number: number): Promise<void>;
  remove(): Promise<void>;
}

/** Image with the runtimes of all apps, as their official images have them. */
export const BASE = 'slipway-bench-build-base';

const greeting = (text: string, number: number): string =>
  text.replace(/hello (\d+ )?from/, `hello ${number} from`);

const ALL: readonly BenchApp[] = [
  {
    title: 'Node.js, Express',
    fixture: 'express-app',
    buildpack: 'nodejs',
    dockerfile: `FROM ${BASE}
WORKDIR /app
COPY package.json package-lock.json ./
RUN npm ci --omit=dev --no-audit --no-fund
COPY . .
ENV NODE_ENV=production PORT=3000
CMD ["node", "server.js"]
`,
    file: 'greeting.js',
    change: (_, number) => `export const greeting = 'hello ${number}';\n`,
  },
  {
    title: 'Node.js, TypeScript',
    fixture: 'node-npm',
    buildpack: 'nodejs',
    dockerfile: `FROM ${BASE}
WORKDIR /app
COPY package.json package-lock.json ./
RUN npm ci --no-audit --no-fund
COPY . .
RUN npm run build && npm prune --omit=dev --no-audit --no-fund
ENV NODE_ENV=production PORT=3000
CMD ["node", "built/server.js"]
`,
    file: 'src/server.ts',
    change: greeting,
  },
  {
    title: 'Python, Flask',
    fixture: 'python-flask',
    buildpack: 'python',
    dockerfile: `FROM ${BASE}
WORKDIR /app
COPY requirements.txt ./
RUN pip install --no-cache-dir -r requirements.txt
COPY . .
CMD ["gunicorn", "shop:app"]
`,
    file: 'shop.py',
    change: greeting,
  },
  {
    title: 'Go, two programs',
    fixture: 'go-workers',
    buildpack: 'go',
    dockerfile: `FROM ${BASE}
WORKDIR /app
COPY go.mod go.sum ./
RUN go mod download && go build net/http golang.org/x/text/message
COPY . .
RUN go install ./cmd/...
CMD ["web"]
`,
    file: 'cmd/web/main.go',
    change: (text, number) => text.replace(/Number\(\d+\)/, `Number(${1_000_000 + number})`),
  },
];

/** All apps, or those that `SLIPWAY_BENCH_APPS` names, by fixture. */
export const APPS = ALL.filter(({ fixture }) =>
  (process.env['SLIPWAY_BENCH_APPS'] ?? fixture).split(',').includes(fixture),
);

/** Copies an app and writes its Dockerfile. */
export async function openFolder(app: BenchApp): Promise<BenchFolder> {
  const path = await mkdtemp(join(tmpdir(), 'slipway-bench-build-'));
  await cp(join(FIXTURES, app.fixture), path, { recursive: true });
  await writeFile(join(path, 'Dockerfile'), app.dockerfile);
  return {
    ...app,
    path,
    async edit(number) {
      const file = join(path, app.file);
      const before = await readFile(file, 'utf8');
      const after = app.change(before, number);
      if (after === before) throw new Error(`${app.fixture}: no line of ${app.file} has changed`);
      await writeFile(file, after);
    },
    remove: () => rm(path, { recursive: true, force: true }),
  };
}
