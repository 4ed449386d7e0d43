import { spawn } from 'node:child_process';
import { mkdirSync, rmSync } from 'node:fs';
import { dirname } from 'node:path';

/**
 * Copies a folder with all its times, so that an unchanged one is known as unchanged afterwards.
 * @param {string} from
 * @param {string} to replaced when it is there
 * @param {{ share: boolean }} how `share`: files of both are the same on the disk (hard links), for folders that nobody changes in place
 */
export async function copyFolder(from, to, { share }) {
  rmSync(to, { recursive: true, force: true });
  mkdirSync(dirname(to), { recursive: true });
  if (share && (await copy(['-al', from, to]))) return;
  rmSync(to, { recursive: true, force: true });
  if (!(await copy(['-Rp', from, to]))) throw new Error(`${from} could not be copied to ${to}`);
}

/** @param {string[]} args @returns {Promise<boolean>} */
function copy(args) {
  return new Promise((resolve) => {
    const child = spawn('cp', args, { stdio: 'ignore' });
    child.on('error', () => resolve(false));
    child.on('close', (code) => resolve(code === 0));
  });
}
