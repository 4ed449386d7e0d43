import { spawn } from 'node:child_process';
import type { Readable } from 'node:stream';
import { BuildFailure } from './failure.ts';

/**
 * Has the system's tar pack files of a folder. Its exit code 1 says that a file changed meanwhile, which is nobody's fault.
 * @returns the archive, and how it went, as `source_unreadable` when it did not
 */
export function tarOf(folder: string, paths: readonly string[]): { tar: Readable; done: Promise<void> } {
  const child = spawn('tar', ['--null', '-T', '-', '-cf', '-'], {
    cwd: folder,
    stdio: ['pipe', 'pipe', 'pipe'],
  });
  let complaint = '';
  child.stderr.on('data', (chunk: Buffer) => {
    if (complaint.length < 4_096) complaint += chunk.toString();
  });
  child.stdin.on('error', () => undefined);
  child.stdin.end(paths.map((path) => `./${path}\0`).join(''));
  const done = new Promise<void>((resolve, reject) => {
    child.on('error', (error) => {
      reject(
        new BuildFailure(
          'source_unreadable',
          `The program tar could not be started: ${error.message}. Install tar.`,
          error,
        ),
      );
    });
    child.on('close', (code) => {
      if (code === 0 || (code === 1 && !/cannot open|permission denied/i.test(complaint))) resolve();
      else
        reject(new BuildFailure('source_unreadable', `The source could not be read: ${complaint.trim()}.`));
    });
  });
  done.catch(() => undefined);
  return { tar: child.stdout, done };
}
