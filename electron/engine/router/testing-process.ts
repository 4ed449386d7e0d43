import { type ChildProcess, spawn } from 'node:child_process';
import { once } from 'node:events';
import { join } from 'node:path';

/** A router in a process of its own, with the app `demo`. */
export interface RouterProcess {
  readonly port: number;
  /** Lines of its log so far. */
  readonly lines: readonly string[];
  /** The most memory that it has ever had, in bytes. */
  peak(): Promise<number>;
  end(): void;
}

/**
 * Starts one.
 * @param dyno port of the one dyno of the app
 * @param descriptors most open files and connections that the process may have; as many as this one unless given
 */
export async function startRouterProcess(dyno: number, descriptors?: number): Promise<RouterProcess> {
  const limited =
    descriptors === undefined ? [] : ['/bin/sh', '-c', `ulimit -n ${descriptors}; exec "$@"`, 'sh'];
  const [program = '', ...args] = [...limited, process.execPath, '--input-type=module', '-e', source(dyno)];
  const child = spawn(program, args, { stdio: ['ignore', 'inherit', 'inherit', 'ipc'] });
  const lines: string[] = [];
  child.on('message', (message: { lines?: string[] }) => lines.push(...(message.lines ?? [])));
  const { port } = await answerOf(child, 'port');
  return {
    port,
    lines,
    async peak() {
      child.send({});
      return (await answerOf(child, 'peak')).peak;
    },
    end: () => void child.kill('SIGKILL'),
  };
}

async function answerOf<Name extends string>(child: ChildProcess, name: Name): Promise<Record<Name, number>> {
  for (;;) {
    const [message] = (await once(child, 'message')) as [Record<Name, number>];
    if (name in message) return message;
  }
}

function source(dyno: number): string {
  return `import { createRouter } from ${JSON.stringify(join(import.meta.dirname, 'router.ts'))};
    import { systemClock } from ${JSON.stringify(join(import.meta.dirname, '..', 'util', 'clock.ts'))};
    const log = (_app, lines) => process.send({ lines: lines.map(({ text }) => text) });
    const router = createRouter({ clock: systemClock, log });
    const address = { host: '127.0.0.1', port: ${dyno} };
    router.setRoute({ appId: 'a', appName: 'demo', state: 'up', backends: [{ dynoId: 'd', name: 'web.1', address }] });
    const { port } = await router.listen(0, ['127.0.0.1']);
    process.on('message', () => process.send({ peak: process.resourceUsage().maxRSS * 1024 }));
    process.on('disconnect', () => process.exit());
    process.send({ port });`;
}
