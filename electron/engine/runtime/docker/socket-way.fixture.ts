import { once } from 'node:events';
import { connect, createServer, type Socket } from 'node:net';

/** A socket that leads to the daemon and can be closed as if the daemon had stopped. */
export async function openWay(
  to: string,
  path: string,
): Promise<{ path: string; open(): Promise<void>; close(): void }> {
  const sockets = new Set<Socket>();
  let server = createServer();
  const start = async (): Promise<void> => {
    server = createServer((from) => {
      const target = connect(to);
      for (const socket of [from, target]) {
        sockets.add(socket);
        socket.on('error', () => undefined).on('close', () => sockets.delete(socket));
      }
      from.pipe(target).pipe(from);
    });
    server.listen(path);
    await once(server, 'listening');
  };
  await start();
  const close = (): void => {
    server.close();
    for (const socket of sockets) socket.destroy();
  };
  return { path, open: start, close };
}
