import { type Client, createClient } from '#shared/contract/client.ts';
import { serve } from '#shared/contract/dispatch.ts';
import { memoryTransports } from '#shared/contract/memory.ts';
import { type SocketLike, webSocketTransport } from '#shared/contract/web-socket.ts';
import type { Settings } from '#engine/settings.ts';
import { readyLine } from '../headless/ready-line.ts';
import { startServedEngine, stderrDiagnostics, userName } from '../headless/serve-engine.ts';

/** The engine as the shell uses it. */
export interface ShellEngine {
  readonly routerPort: number;
  /** Data folder. */
  readonly home: string;
  /** The shell's own connection. */
  readonly client: Client;
  /** Serves the contract to a window. */
  connect(socket: SocketLike): void;
  /** Closes every connection and ends the engine; see `Engine.close`. */
  close(dynos: 'stop' | 'keep'): Promise<void>;
}

/**
 * Starts the engine within this process, for the window and for the command and browsers of this machine.
 * @throws SlipwayError naming the setting when home, port or runtime cannot be used
 */
export async function startEngine(settings: Settings): Promise<ShellEngine> {
  const { engine, host } = await startServedEngine(settings);
  const options = {
    handlers: engine.handlers,
    onProblem: stderrDiagnostics.problem.bind(stderrDiagnostics),
  };
  const [near, far] = memoryTransports();
  serve(options, far, userName());
  const client = createClient(near);
  console.log(readyLine(engine, host.port, null));
  return {
    routerPort: engine.routerPort,
    home: engine.home.folder,
    client,
    connect(socket) {
      serve(options, webSocketTransport(socket), userName());
    },
    async close(dynos) {
      client.close();
      await host.close();
      await engine.close(dynos);
    },
  };
}
