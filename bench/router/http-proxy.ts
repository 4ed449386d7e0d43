import { createWriteStream } from 'node:fs';
import { Agent, createServer } from 'node:http';
import httpProxy from 'http-proxy';

const [port, backend, logFile = ''] = process.argv.slice(2);

/** http-proxy with connections that are used again, and a line for each request. */
const log = createWriteStream(logFile);
const proxy = httpProxy.createProxyServer({
  target: `http://127.0.0.1:${backend}`,
  agent: new Agent({ keepAlive: true, maxSockets: 1024, maxFreeSockets: 1024 }),
  xfwd: true,
});
proxy.on('error', (_error, _request, response) => {
  response.end();
});
// A client that goes in the middle of an answer leaves its connection to the backend occupied otherwise.
proxy.on('proxyReq', (upstream, _request, response) => {
  response.on('close', () => {
    if (!response.writableFinished) upstream.destroy();
  });
});
createServer((request, response) => {
  const startedAt = Date.now();
  response.on('finish', () => {
    log.write(`${request.method} ${request.url} ${response.statusCode} ${Date.now() - startedAt}ms\n`);
  });
  proxy.web(request, response);
}).listen(Number(port), '127.0.0.1');
