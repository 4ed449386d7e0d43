import { probe } from '../box/tools.ts';

/** What gives processes a terminal on this machine: `script` of util-linux (Linux) or of BSD (macOS), or nothing. */
export type PtyTool = 'util-linux' | 'bsd' | 'none';

/** Finds out what gives processes a terminal on this machine. */
export async function findPtyTool(): Promise<PtyTool> {
  if (process.platform === 'darwin') return 'bsd';
  return ((await probe('script', ['--version'])) ?? '').includes('util-linux') ? 'util-linux' : 'none';
}

/**
 * The command that runs a bash script on a terminal, with the terminal's input and output as its own, and ends with the
 * script's exit code. BSD's `script` wants a pipe and takes no socket as its input, hence the `cat`.
 * @param line a command for sh that starts the script
 */
export function onTerminal(tool: PtyTool, bash: string, line: string): [command: string, args: string[]] {
  if (tool === 'util-linux') return ['script', ['-qefc', line, '/dev/null']];
  if (tool === 'bsd')
    return [bash, ['-c', 'exec script -q /dev/null "$BASH" -c "$1" < <(exec cat)', 'bash', line]];
  return [bash, ['-c', line]];
}

/** Arguments of `stty` that name another terminal than its own. */
export function sttyOf(tool: PtyTool, terminal: string): string[] {
  return [tool === 'bsd' ? '-f' : '-F', terminal];
}
