import { type ChildProcess, execFileSync, spawn, spawnSync } from 'node:child_process';
import { closeSync, openSync } from 'node:fs';
import { mkdir, mkdtemp, rm, writeFile } from 'node:fs/promises';
import { connect, createServer, type AddressInfo } from 'node:net';
import { cpus, tmpdir } from 'node:os';
import { join } from 'node:path';
import { setTimeout as sleep } from 'node:timers/promises';
import { FRUGAL } from '../../electron/frugal.ts';
import { processorSeconds } from '../lib/process-figures.ts';

/** Processor cores of those that take part: every proxy has the same one, the rest stays away from it. */
const CORES = { proxy: 0, backend: 1, load: cpus().length > 2 ? 2 : 1 };
const HERE = import.meta.dirname;
const HOST = 'bench.localhost';

/** A proxy under test. */
export interface Proxy {
  readonly name: string;
  readonly port: number;
  /** Seconds of processor that it has used so far, threads of the collector and the compiler included. */
  processorSeconds(): number;
}

/** What wrk saw. */
export interface Load {
  readonly requests: number;
  readonly perSecond: number;
  /** Milliseconds. */
  readonly p50: number;
  readonly p99: number;
}

/** One row of the benchmark. */
export interface Row {
  readonly name: string;
  readonly path: string;
  readonly connections: number;
  readonly post: boolean;
}

/** All that takes part, running. */
export interface Field {
  readonly proxies: readonly Proxy[];
  /** Loads a proxy for some seconds. @throws when an answer was no 200, or a connection broke */
  load(proxy: Proxy, row: Row, seconds: number): Load;
  close(): Promise<void>;
}

/**
 * Starts the backend and all proxies, each with a log of its requests; installs what is missing from Debian. Caddy is large, and
 * takes part only where it is installed (Debian package `caddy`).
 */
export async function openField(): Promise<Field> {
  install({ nginx: 'nginx-light', haproxy: 'haproxy', wrk: 'wrk' });
  const folder = await mkdtemp(join(tmpdir(), 'slipway-bench-router-'));
  const children: ChildProcess[] = [];
  const run = (core: number, log: string, command: string, ...args: string[]): number => {
    const out = openSync(join(folder, log), 'a');
    const child = spawn('taskset', ['-c', String(core), command, ...args], { stdio: ['ignore', out, out] });
    closeSync(out);
    children.push(child);
    return child.pid ?? 0;
  };
  const close = async (): Promise<void> => {
    for (const child of children) child.kill('SIGTERM');
    await sleep(300);
    for (const child of children) if (child.exitCode === null) child.kill('SIGKILL');
    await rm(folder, { recursive: true, force: true });
  };
  const proxies = await startAll(folder, run).catch(async (error: unknown) => {
    await close();
    throw error;
  });
  const script = join(folder, 'post.lua');
  await writeFile(script, 'wrk.method = "POST"\nwrk.body = string.rep("x", 10240)\n');
  return {
    proxies,
    load: (proxy, row, seconds) => load(proxy, row, seconds, script),
    close,
  };
}

/** All of them listen behind it. */
async function startAll(folder: string, run: Run): Promise<Proxy[]> {
  const proxies = await startProxies(folder, await startBackend(folder, run), run);
  for (const { name, port } of proxies) await untilListens(name, port);
  return proxies;
}

type Run = (core: number, log: string, command: string, ...args: string[]) => number;

function install(packages: Record<string, string>): void {
  for (const [command, name] of Object.entries(packages))
    if (!isInstalled(command))
      execFileSync('apt-get', ['install', '-y', '--no-install-recommends', name], { stdio: 'inherit' });
}

function isInstalled(command: string): boolean {
  return spawnSync('which', [command], { stdio: 'ignore' }).status === 0;
}

/** nginx with two files and a place for POST: quick enough that the proxies are what is measured. */
async function startBackend(folder: string, run: Run): Promise<number> {
  const port = await freePort();
  await mkdir(join(folder, 'files'));
  for (const [name, size] of [
    ['1k', 1024],
    ['100k', 102_400],
  ] as const)
    await writeFile(join(folder, 'files', name), 'x'.repeat(size));
  const config = nginxConfig(
    folder,
    'backend',
    `access_log off; open_file_cache max=10; sendfile on;
     server { listen 127.0.0.1:${port} backlog=2048; root ${folder}/files; client_body_buffer_size 64k;
     location /post { return 200 "${'x'.repeat(1024)}"; } }`,
  );
  await writeFile(join(folder, 'backend.conf'), config);
  run(CORES.backend, 'backend.out', 'nginx', '-p', folder, '-c', join(folder, 'backend.conf'));
  await untilListens('backend', port);
  return port;
}

function nginxConfig(folder: string, name: string, http: string): string {
  const temporary = ['client_body', 'proxy', 'fastcgi', 'uwsgi', 'scgi'].map(
    (each) => `${each}_temp_path ${folder}/${name}-${each};`,
  );
  return `daemon off; master_process off; pid ${folder}/${name}.pid; error_log ${folder}/${name}.log; worker_rlimit_nofile 8192;
    events { worker_connections 4096; }
    http { ${temporary.join(' ')} keepalive_requests 1000000000; keepalive_timeout 600s; ${http} }`;
}

async function startProxies(folder: string, backend: number, run: Run): Promise<Proxy[]> {
  const ports = {
    ours: await freePort(),
    nginx: await freePort(),
    haproxy: await freePort(),
    httpProxy: await freePort(),
    caddy: await freePort(),
  };
  await writeFile(
    join(folder, 'nginx.conf'),
    nginxConfig(
      folder,
      'nginx',
      `access_log ${folder}/access.log combined;
       upstream backend { server 127.0.0.1:${backend}; keepalive 512; keepalive_requests 1000000000; }
       server { listen 127.0.0.1:${ports.nginx} backlog=2048; client_body_buffer_size 64k;
       location / { proxy_pass http://backend; proxy_http_version 1.1; proxy_set_header Connection "";
       proxy_set_header Host $http_host; proxy_set_header X-Forwarded-For $proxy_add_x_forwarded_for;
       proxy_set_header X-Request-Id $request_id; } }`,
    ),
  );
  await writeFile(
    join(folder, 'haproxy.cfg'),
    `global
  nbthread 1
  maxconn 4000
  log stdout format raw local0
defaults
  mode http
  log global
  option httplog
  option forwardfor
  http-reuse always
  timeout connect 5s
  timeout client 60s
  timeout server 60s
frontend f
  bind 127.0.0.1:${ports.haproxy}
  default_backend b
backend b
  server s 127.0.0.1:${backend}
`,
  );
  await writeFile(
    join(folder, 'Caddyfile'),
    `{
  admin off
  auto_https off
}
:${ports.caddy} {
  bind 127.0.0.1
  log {
    output file ${folder}/caddy-access.log
  }
  reverse_proxy 127.0.0.1:${backend} {
    transport http {
      keepalive_idle_conns 1024
      keepalive_idle_conns_per_host 1024
    }
  }
}
`,
  );
  const { proxy: core } = CORES;
  const start = (name: string, port: number, command: string, ...args: string[]): Proxy => {
    const pid = run(core, `${name}.out`, command, ...args);
    return { name, port, processorSeconds: () => processorSeconds(pid) };
  };
  const node = (name: string, port: number, file: string, how: readonly string[]): Proxy => {
    const log = join(folder, `${name}.log`);
    const program = [...how, join(HERE, file), String(port), String(backend), log];
    return start(name, port, 'env', ...program);
  };
  // As `npm start` runs the engine.
  const variables = Object.entries(FRUGAL.environment).map(([name, value]) => `${name}=${value}`);
  const frugal = [...variables, process.execPath, ...FRUGAL.flags];
  return [
    node('ours', ports.ours, 'ours.ts', frugal),
    start('nginx', ports.nginx, 'nginx', '-p', folder, '-c', join(folder, 'nginx.conf')),
    start('haproxy', ports.haproxy, 'haproxy', '-db', '-f', join(folder, 'haproxy.cfg')),
    node('http-proxy', ports.httpProxy, 'http-proxy.ts', [process.execPath]),
    ...(isInstalled('caddy')
      ? [
          start(
            'caddy',
            ports.caddy,
            'caddy',
            'run',
            '--adapter',
            'caddyfile',
            '--config',
            join(folder, 'Caddyfile'),
          ),
        ]
      : []),
  ];
}

function load(proxy: Proxy, row: Row, seconds: number, script: string): Load {
  const url = `http://127.0.0.1:${proxy.port}${row.path}`;
  const args = ['-t1', `-c${row.connections}`, `-d${seconds}s`, '--latency', '-H', `Host: ${HOST}`];
  if (row.post) args.push('-s', script);
  const text = execFileSync('taskset', ['-c', String(CORES.load), 'wrk', ...args, url], { encoding: 'utf8' });
  const broken = /Non-2xx[^\n]*|Socket errors: connect [1-9][^\n]*/.exec(text);
  if (broken !== null) throw new Error(`${proxy.name}, ${row.name}: ${broken[0]}`);
  const number = (pattern: RegExp): number => Number(pattern.exec(text)?.[1]);
  return {
    requests: number(/(\d+) requests in/),
    perSecond: number(/Requests\/sec:\s+([\d.]+)/),
    p50: milliseconds(/ 50%\s+(\S+)/.exec(text)?.[1]),
    p99: milliseconds(/ 99%\s+(\S+)/.exec(text)?.[1]),
  };
}

function milliseconds(text = ''): number {
  const [, value = 'NaN', unit = 'ms'] = /^([\d.]+)(us|ms|s)$/.exec(text) ?? [];
  return Number(value) * ({ us: 0.001, ms: 1, s: 1000 }[unit] ?? 1);
}

async function freePort(): Promise<number> {
  const server = createServer();
  await new Promise<void>((resolve) => server.listen(0, '127.0.0.1', resolve));
  const { port } = server.address() as AddressInfo;
  await new Promise((resolve) => server.close(resolve));
  return port;
}

async function untilListens(name: string, port: number): Promise<void> {
  const deadline = Date.now() + 20_000;
  const listens = (): Promise<boolean> =>
    new Promise((resolve) => {
      const socket = connect(port, '127.0.0.1', () => {
        socket.destroy();
        resolve(true);
      });
      socket.on('error', () => resolve(false));
    });
  while (!(await listens())) {
    if (Date.now() > deadline) throw new Error(`${name} does not listen on port ${port} after 20 s`);
    await sleep(50);
  }
}
