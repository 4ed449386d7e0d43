import { spawn } from 'node:child_process';
import {
  existsSync,
  mkdirSync,
  readdirSync,
  readFileSync,
  renameSync,
  rmSync,
  utimesSync,
  writeFileSync,
} from 'node:fs';
import { dirname, join } from 'node:path';

/**
 * Moves a folder out of the app's last build, if it is there and a file beside it says that it is the same.
 * @param {string} folder relative to the build
 * @param {string} target
 * @param {[file: string, content: string]} proof file of the last build, and what has to be in it
 * @returns {boolean} whether it was moved
 */
export function moveFromLastBuild(folder, target, [file, content]) {
  const last = process.env.SLIPWAY_LAST_BUILD ?? '';
  if (last === '' || !existsSync(join(last, file)) || readFileSync(join(last, file), 'utf8') !== content)
    return false;
  try {
    mkdirSync(dirname(target), { recursive: true });
    renameSync(join(last, folder), target);
    return true;
  } catch {
    return false;
  }
}

/**
 * Moves a folder, where both places are on one file system.
 * @param {string} from
 * @param {string} to
 * @returns {boolean} whether it was moved
 */
export function move(from, to) {
  try {
    renameSync(from, to);
    return true;
  } catch {
    return false;
  }
}

/**
 * Copies a folder with all its times.
 * @param {string} from
 * @param {string} to replaced when it is there
 */
export async function copyFolder(from, to) {
  rmSync(to, { recursive: true, force: true });
  mkdirSync(dirname(to), { recursive: true });
  const code = await new Promise((resolve, reject) => {
    const child = spawn('cp', ['-Rp', from, to], { stdio: ['ignore', 'ignore', 'inherit'] });
    child.on('error', reject);
    child.on('close', resolve);
  });
  if (code !== 0) throw new Error(`${from} could not be copied to ${to}`);
}

/** Time of files whose content alone tells them apart: the registry's packages have it too. */
const ONE_TIME = new Date('1985-10-26T08:15:00Z');

/**
 * Gives all files of a folder one time.
 * @param {string} folder
 */
export function setTimes(folder) {
  for (const entry of readdirSync(folder, { recursive: true, withFileTypes: true }))
    if (entry.isFile()) utimesSync(join(entry.parentPath, entry.name), ONE_TIME, ONE_TIME);
}

/**
 * What a JSON file holds; null when it is missing or half written.
 * @param {string} file
 */
export function readJson(file) {
  try {
    return JSON.parse(readFileSync(file, 'utf8'));
  } catch {
    return null;
  }
}

/**
 * Writes a JSON file whole or not at all.
 * @param {string} file
 * @param {unknown} value
 */
export function writeJson(file, value) {
  mkdirSync(dirname(file), { recursive: true });
  const temporary = `${file}.${process.pid}`;
  writeFileSync(temporary, JSON.stringify(value));
  renameSync(temporary, file);
}
