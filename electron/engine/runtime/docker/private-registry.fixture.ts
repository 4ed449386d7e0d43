import { createHash } from 'node:crypto';
import { once } from 'node:events';
import { createServer, type IncomingMessage, type ServerResponse } from 'node:http';
import type { AddressInfo } from 'node:net';
import { buffer } from 'node:stream/consumers';
import { gzipSync } from 'node:zlib';
import tar from 'tar-stream';

const MANIFEST = 'application/vnd.docker.distribution.manifest.v2+json';
const NAME = 'private/base';

/** A registry with one image of one file, for those who know its login. */
export interface PrivateRegistry extends AsyncDisposable {
  /** Host and port. */
  readonly address: string;
  /** Name of the image. */
  readonly image: string;
}

/** Starts one on this machine. @param login user and password, `user:password` */
export async function privateRegistry(login: string): Promise<PrivateRegistry> {
  const content = await imageContent();
  const server = createServer((request, answer) => {
    serve(request, answer, login, content);
  });
  server.listen(0, '127.0.0.1');
  await once(server, 'listening');
  const address = `127.0.0.1:${String((server.address() as AddressInfo).port)}`;
  return {
    ...{ address, image: `${address}/${NAME}:1` },
    [Symbol.asyncDispose]: async () => {
      server.close();
      server.closeAllConnections();
      await once(server, 'close');
    },
  };
}

interface Content {
  readonly manifest: Buffer;
  readonly blobs: ReadonlyMap<string, Buffer>;
}

async function imageContent(): Promise<Content> {
  const files = tar.pack();
  files.entry({ name: 'note.txt' }, `a private note of ${String(process.hrtime.bigint())}\n`);
  files.finalize();
  const plain = await buffer(files);
  const layer = gzipSync(plain);
  const config = Buffer.from(
    JSON.stringify({
      ...{ architecture: 'amd64', os: 'linux', config: { Cmd: ['/none'] } },
      rootfs: { type: 'layers', diff_ids: [digest(plain)] },
    }),
  );
  const blob = (mediaType: string, bytes: Buffer): object => ({
    ...{ mediaType, size: bytes.length, digest: digest(bytes) },
  });
  const manifest = {
    ...{ schemaVersion: 2, mediaType: MANIFEST },
    config: blob('application/vnd.docker.container.image.v1+json', config),
    layers: [blob('application/vnd.docker.image.rootfs.diff.tar.gzip', layer)],
  };
  return {
    manifest: Buffer.from(JSON.stringify(manifest)),
    blobs: new Map([config, layer].map((bytes) => [digest(bytes), bytes])),
  };
}

function serve(
  { headers, url = '' }: IncomingMessage,
  answer: ServerResponse,
  login: string,
  content: Content,
): void {
  if (headers.authorization !== `Basic ${Buffer.from(login).toString('base64')}`) {
    answer.writeHead(401, { 'www-authenticate': 'Basic realm="private"' }).end();
    return;
  }
  const [, kind = '', reference = ''] = new RegExp(`^/v2/${NAME}/(manifests|blobs)/(.+)$`).exec(url) ?? [];
  const bytes = kind === 'manifests' ? content.manifest : content.blobs.get(reference);
  if (bytes === undefined) {
    answer.writeHead(url === '/v2/' ? 200 : 404).end();
    return;
  }
  const type = kind === 'manifests' ? MANIFEST : 'application/octet-stream';
  answer.writeHead(200, {
    ...{ 'content-type': type, 'content-length': bytes.length, 'docker-content-digest': digest(bytes) },
  });
  answer.end(bytes);
}

function digest(bytes: Buffer): string {
  return `sha256:${createHash('sha256').update(bytes).digest('hex')}`;
}
