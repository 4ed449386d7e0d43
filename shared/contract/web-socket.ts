import type { Transport } from './frames.ts';

/** What a transport needs of a WebSocket; the browser's and the `ws` package's both have it. */
export interface SocketLike {
  send(data: string): void;
  close(): void;
  addEventListener(type: 'message', listener: (event: { data: unknown }) => void): void;
  addEventListener(type: 'close', listener: () => void): void;
}

/** Carries frames as JSON texts over an open WebSocket. What is no JSON text closes it. */
export function webSocketTransport(socket: SocketLike): Transport {
  return {
    send(frame) {
      socket.send(JSON.stringify(frame));
    },
    receive(onFrame, onClose) {
      socket.addEventListener('message', ({ data }) => {
        let frame: unknown;
        try {
          frame = JSON.parse(String(data));
        } catch {
          socket.close();
          return;
        }
        onFrame(frame);
      });
      socket.addEventListener('close', onClose);
    },
    close() {
      socket.close();
    },
  };
}
