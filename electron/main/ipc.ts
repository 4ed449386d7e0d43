import { ipcMain, type IpcMainEvent, type IpcMainInvokeEvent, type MessagePortMain } from 'electron';
import type { SocketLike } from '#shared/contract/web-socket.ts';
import { isOwnUrl } from './origin.ts';

/**
 * Whether a message comes from the UI itself: from the top frame of a page of our origin.
 * Frames that are gone by now, and frames within a page, are not.
 */
export function isOwnSender({
  senderFrame,
}: Pick<IpcMainEvent | IpcMainInvokeEvent, 'senderFrame'>): boolean {
  return senderFrame !== null && senderFrame.parent === null && isOwnUrl(senderFrame.url);
}

/**
 * Answers one kind of question of the UI. Of what the page sends, a handler gets the first argument, unchecked.
 * A sender that is not the UI gets an error.
 */
export function handle(
  channel: string,
  answer: (input: unknown, event: IpcMainInvokeEvent) => Promise<unknown>,
): void {
  ipcMain.handle(channel, async (event, input: unknown) => {
    if (!isOwnSender(event)) throw new Error('Only Slipway’s own pages may ask.');
    return answer(input, event);
  });
}

/** Takes the message ports that the UI sends on a channel. Ports of other senders are closed. */
export function acceptPorts(channel: string, onPort: (socket: SocketLike) => void): void {
  ipcMain.on(channel, (event) => {
    const [port, ...others] = event.ports;
    for (const other of others) other.close();
    if (port === undefined) return;
    if (isOwnSender(event)) onPort(socketOf(port));
    else port.close();
  });
}

/** A message port as the contract's transport wants it. Only texts pass. */
function socketOf(port: MessagePortMain): SocketLike {
  const onClose = new Set<() => void>();
  const closed = (): void => {
    for (const listener of onClose) listener();
    onClose.clear();
  };
  port.on('close', closed);
  return {
    send(data) {
      port.postMessage(data);
    },
    close() {
      port.close();
      closed();
    },
    addEventListener(type: 'message' | 'close', listener: (event: { data: unknown }) => void) {
      if (type === 'close') {
        onClose.add(() => {
          listener({ data: null });
        });
        return;
      }
      port.on('message', ({ data }: { data: unknown }) => {
        listener({ data: typeof data === 'string' ? data : '' });
      });
      port.start();
    },
  };
}
