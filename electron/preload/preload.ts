import { contextBridge, ipcRenderer, webUtils } from 'electron';
import type { ActionId } from '#shared/actions.ts';
import type { SocketLike } from '#shared/contract/web-socket.ts';
import type { Capabilities, Desktop } from '#shared/desktop.ts';
import { CHANNELS } from './channels.ts';

/** A message channel to the engine, its far end handed to the shell; the page gets texts, never an event. */
function connect(): SocketLike {
  const { port1: near, port2: far } = new MessageChannel();
  const onClose = new Set<() => void>();
  const closed = (): void => {
    for (const listener of onClose) listener();
    onClose.clear();
  };
  near.addEventListener('close', closed);
  ipcRenderer.postMessage(CHANNELS.connect, null, [far]);
  return {
    send(data) {
      near.postMessage(data);
    },
    close() {
      near.close();
      closed();
    },
    addEventListener(type: 'message' | 'close', listener: (event: { data: unknown }) => void) {
      if (type === 'close') {
        onClose.add(() => {
          listener({ data: null });
        });
        return;
      }
      near.addEventListener('message', (event) => {
        listener({ data: (event as MessageEvent).data as unknown });
      });
      near.start();
    },
  };
}

/** Listens to one kind of message from the shell; with `keep`, what comes before the first listener waits. */
function topic<Value extends string>(
  channel: string,
  keep: boolean,
): (listener: (value: Value) => void) => () => void {
  const listeners = new Set<(value: Value) => void>();
  const waiting: Value[] = [];
  ipcRenderer.on(channel, (_event, value: Value) => {
    if (listeners.size === 0 && keep) waiting.push(value);
    for (const listener of listeners) listener(value);
  });
  return (listener) => {
    listeners.add(listener);
    for (const value of waiting.splice(0)) listener(value);
    return () => {
      listeners.delete(listener);
    };
  };
}

function platform(): Capabilities['platform'] {
  if (process.platform === 'darwin') return 'mac';
  return process.platform === 'win32' ? 'windows' : 'linux';
}

const desktop: Desktop = {
  capabilities: { desktop: true, platform: platform() },
  connect,
  chooseFolder: () => ipcRenderer.invoke(CHANNELS.chooseFolder) as Promise<string | null>,
  pathOfFile: (file) => webUtils.getPathForFile(file),
  showInFolder: (path) => ipcRenderer.invoke(CHANNELS.showInFolder, path) as Promise<boolean>,
  setTheme: (theme) => ipcRenderer.invoke(CHANNELS.setTheme, theme) as Promise<void>,
  onAction: topic<ActionId>(CHANNELS.action, false),
  onOpenPath: topic<string>(CHANNELS.openPath, true),
  onGoTo: topic<string>(CHANNELS.goTo, true),
};

contextBridge.exposeInMainWorld('slipway', desktop);
