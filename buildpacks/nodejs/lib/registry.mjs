import { spawnSync } from 'node:child_process';
import { createHash } from 'node:crypto';
import { existsSync, mkdirSync, mkdtempSync, renameSync, rmSync } from 'node:fs';
import { createRequire } from 'node:module';
import { join } from 'node:path';
import { fetchBytes } from './fetch.mjs';
import { readJson, writeJson } from './files.mjs';
import { BuildError, detail } from './output.mjs';

const downloads = process.env.SLIPWAY_DOWNLOADS ?? '';
const registry = (process.env.npm_config_registry ?? process.env.NPM_CONFIG_REGISTRY ?? '').replace(
  /\/*$/,
  '',
);

/** How long what the registry said about a package is taken as new, in milliseconds. */
const FRESH = 24 * 60 * 60 * 1000;

/**
 * A package as the registry describes it, as far as it is needed here.
 * @typedef {{ versions: Record<string, { tarball: string, integrity: string }> }} Packument
 */

/**
 * What versions of a package there are. Asks the registry at most once a day; without a network what it said before counts.
 * @param {string} name
 * @returns {Promise<Packument>}
 */
async function packument(name) {
  const file = join(downloads, 'metadata', `${name.replace('/', '+')}.json`);
  const kept = readJson(file);
  if (kept !== null && Date.now() - kept.at < FRESH) return kept;
  try {
    const answer = await fetchBytes(`${registry}/${name.replace('/', '%2f')}`, {
      headers: { accept: 'application/vnd.npm.install-v1+json' },
    });
    const found = JSON.parse(answer.toString());
    const versions = Object.fromEntries(
      Object.entries(found.versions).map(([version, { dist }]) => [
        version,
        { tarball: dist.tarball, integrity: dist.integrity },
      ]),
    );
    writeJson(file, { at: Date.now(), versions });
    return { versions };
  } catch (error) {
    if (kept !== null) return kept;
    const reason = error instanceof Error ? error.message : String(error);
    throw new BuildError(
      `The package registry could not be asked about ${name}: ${reason}.\nCheck the network, and deploy again.`,
    );
  }
}

/**
 * The newest version of a package within a range.
 * @param {string} name
 * @param {string} range
 * @param {string} title what the user knows it as
 */
export async function resolve(name, range, title) {
  const semver = await loadSemver();
  const { versions } = await packument(name);
  const all = Object.keys(versions);
  if (semver.validRange(range) === null) {
    throw new BuildError(`"${range}" is no version range for ${title}. Write, for example, "24.x".`);
  }
  const found = semver.maxSatisfying(all, range);
  if (found !== null) return found;
  const majors = [
    ...new Set(all.filter((each) => semver.prerelease(each) === null).map((each) => semver.major(each))),
  ];
  throw new BuildError(
    `There is no ${title} ${range}. The registry has ${title} of these major versions: ${majors.sort((a, b) => a - b).join(', ')}.`,
  );
}

/**
 * A package of the registry, unpacked in the folder of downloads; verified, and downloaded once.
 * @param {string} name
 * @param {string} version
 * @param {string} title
 * @param {string} [expected] integrity, when it is known without asking
 * @returns {Promise<string>} folder
 */
export async function fetchPackage(name, version, title, expected) {
  const group = join(downloads, name.startsWith('node-') ? 'node' : 'packages');
  const folder = join(group, `${name.replace('/', '+')}-${version}`);
  if (existsSync(folder)) return folder;
  detail(`Downloading ${title} ${version}`);
  const known = expected === undefined ? (await packument(name)).versions[version] : undefined;
  const integrity = expected ?? known?.integrity ?? '';
  const url = known?.tarball ?? `${registry}/${name}/-/${name.split('/').pop()}-${version}.tgz`;
  const bytes = await fetchBytes(url).catch((error) => {
    throw new BuildError(
      `${title} ${version} could not be downloaded: ${error.message}.\nCheck the network, and deploy again.`,
    );
  });
  verify(bytes, integrity, `${title} ${version}`);
  mkdirSync(group, { recursive: true });
  const temporary = mkdtempSync(join(group, '.unpack-'));
  try {
    const unpack = ['-xzf', '-', '-C', temporary, '--strip-components', '1'];
    const { status, stderr } = spawnSync('tar', unpack, { input: bytes });
    if (status !== 0) throw new BuildError(`${title} ${version} could not be unpacked: ${stderr}`);
    moveOnce(temporary, folder);
  } finally {
    rmSync(temporary, { recursive: true, force: true });
  }
  return folder;
}

/**
 * Another build may have put the same package there a moment ago; then that one stays.
 * @param {string} from
 * @param {string} to
 */
function moveOnce(from, to) {
  try {
    renameSync(from, to);
  } catch (error) {
    if (!existsSync(to)) throw error;
  }
}

/**
 * @param {Buffer} bytes
 * @param {string} integrity `sha512-<base64>`, perhaps several
 * @param {string} what
 */
function verify(bytes, integrity, what) {
  const wanted = integrity.split(/\s+/).find((each) => each.startsWith('sha512-'));
  const found = `sha512-${createHash('sha512').update(bytes).digest('base64')}`;
  if (wanted !== found)
    throw new BuildError(
      `The downloaded ${what} is not what the registry announces (SHA-512 differs). Deploy again.`,
    );
}

/** npm that builds use when the project names none; its semver reads version ranges here. */
export const BASE_NPM = {
  version: '11.19.1',
  integrity:
    'sha512-ztsxKxt/kkIaAs+2i0GU6I+DRmUdrNasxTZKJe9TCdSjKxlhah/4r/hl5ygMD6XAg1qZ9c2TNomR4qgOydp10g==',
};

/** The semver that npm itself uses: ranges mean here what they mean there. */
export async function loadSemver() {
  const npm = await fetchPackage('npm', BASE_NPM.version, 'npm', BASE_NPM.integrity);
  return createRequire(join(npm, 'package.json'))('semver');
}
