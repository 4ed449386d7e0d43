import { Readable } from 'node:stream';
import { quote } from '../box/tools.ts';
import { type PackedPart, RuntimeError } from '../runtime.ts';
import type { BoxChannel } from './box-channel.ts';
import {
  digestKey,
  type Entry,
  LISTING_SCRIPT,
  needsDigest,
  type PartPlan,
  parseListing,
  partKey,
  planParts,
  tarBytes,
} from './slug-listing.ts';

/** Digests of files by identity, remembered from one build of an app to the next. */
export type DigestMemory = Map<string, string>;

/**
 * Archives the box's BUILD_DIR part by part; see `BuildBox.pack`.
 * @throws RuntimeError when a file cannot be read or the disk is full
 */
export async function* packSlug(
  channel: BoxChannel,
  buildDir: string,
  known: ReadonlySet<string>,
  memory: DigestMemory,
): AsyncIterable<PackedPart> {
  const entries = parseListing(await collect(channel, `cd ${quote(buildDir)} || exit; ${LISTING_SCRIPT}`));
  const digests = await digestAll(channel, buildDir, entries, memory);
  const parts = planParts(entries).map((part) => ({ part, key: partKey(part, digests) }));
  const wanted = parts.filter(({ key }) => !known.has(key)).map(({ part }) => part);
  const ahead = wanted.length > 1;
  let finished = false;
  try {
    if (ahead) await packAhead(channel, buildDir, wanted);
    for (const { part, key } of parts) {
      const at = wanted.indexOf(part);
      if (at < 0) yield { key, bytes: null };
      else yield* packed(key, ahead ? stream(channel, collectScript(at)) : direct(channel, buildDir, part));
    }
    finished = true;
  } finally {
    // A script that runs takes everything else in the box with it when it ends.
    if (ahead && !finished && !channel.closed)
      channel.command({ kind: 'run', script: 'true' }).catch(() => undefined);
  }
}

function* packed(key: string, bytes: Readable): Iterable<PackedPart> {
  try {
    yield { key, bytes };
  } finally {
    if (!bytes.readableEnded) bytes.destroy();
  }
}

async function digestAll(
  channel: BoxChannel,
  buildDir: string,
  entries: readonly Entry[],
  memory: DigestMemory,
): Promise<Map<string, string>> {
  const wanted = entries.filter(needsDigest);
  const missing = wanted.filter((entry) => !memory.has(digestKey(entry)));
  const made = missing.length === 0 ? new Map<string, string>() : await digest(channel, buildDir, missing);
  const digests = new Map<string, string>();
  const fresh: DigestMemory = new Map();
  for (const entry of wanted) {
    const value = made.get(entry.path) ?? memory.get(digestKey(entry));
    if (value === undefined)
      throw new RuntimeError('failed', `${entry.path} changed while the slug was packed. Deploy again.`);
    digests.set(entry.path, value);
    fresh.set(digestKey(entry), value);
  }
  memory.clear();
  for (const [key, value] of fresh) memory.set(key, value);
  return digests;
}

async function digest(
  channel: BoxChannel,
  buildDir: string,
  entries: readonly Entry[],
): Promise<Map<string, string>> {
  const script = `cd ${quote(buildDir)} || exit; set -o pipefail; frames | xargs -0 -r sha256sum -z --`;
  const output = await collect(channel, script, names(entries));
  const lines = output.toString('latin1').split('\0').slice(0, -1);
  return new Map(lines.map((line) => [line.slice(66), line.slice(0, 64)]));
}

function* names(entries: readonly Entry[]): Iterable<Buffer> {
  yield Buffer.from(entries.map((entry) => `${entry.path}\0`).join(''), 'latin1');
}

async function collect(channel: BoxChannel, script: string, input?: Iterable<Buffer>): Promise<Buffer> {
  const chunks: Buffer[] = [];
  const onOutput = (bytes: Buffer): void => {
    chunks.push(bytes);
  };
  const code = await channel.command({ kind: 'do', script, onOutput, ...(input ? { input } : {}) });
  if (code !== 0) throw packError(channel, code);
  return Buffer.concat(chunks);
}

/**
 * Commands that archive a part, with the names from a file. The tar of an inner part is cut where its entries end, so that
 * all parts together are one tar. Where that is follows from the entries; what is cut off has to be nothing but zeros.
 */
function archiveScript(part: PartPlan, names: string): string {
  const cut = `{ head -c ${String(tarBytes(part.entries))} | zstd -q -1 -T0 -c || exit 3; [ "$(tr -d '\\0' | head -c 1 | wc -c)" = 0 ] || exit 4; }`;
  return `tar --create --format=gnu --null --verbatim-files-from --no-recursion --files-from=${names} \\
  --hard-dereference --owner=1000 --group=1000 --numeric-owner --transform='flags=rhS;s,^[.],./app,' \\
  | ${part.last ? 'zstd -q -1 -T0 -c' : cut}`;
}

const begin = (buildDir: string): string => `cd ${quote(buildDir)} || exit; set -o pipefail; export LC_ALL=C`;

/** Archives one part while it is read. */
function direct(channel: BoxChannel, buildDir: string, part: PartPlan): Readable {
  const file = '/dev/shm/slipway-names';
  const script = `${begin(buildDir)}\nframes > ${file} || exit\n${archiveScript(part, file)}`;
  return stream(channel, script, names(part.entries));
}

/** Starts to archive several parts into files, two at a time, so that all processors have work. */
async function packAhead(channel: BoxChannel, buildDir: string, parts: readonly PartPlan[]): Promise<void> {
  const jobs: string[] = [];
  for (const [at, part] of parts.entries()) {
    const file = `/dev/shm/slipway-names-${String(at)}`;
    await collect(channel, `frames > ${file}`, names(part.entries));
    const job = `( ${archiveScript(part, file)} ) > ${AHEAD}${String(at)} 2> ${AHEAD}${String(at)}.error; echo $? > ${AHEAD}${String(at)}.code`;
    jobs.push(
      `${at > 1 ? 'wait -n; ' : ''}{ ${job}; mv ${AHEAD}${String(at)}.code ${AHEAD}${String(at)}.done; rm ${file}; } &`,
    );
  }
  await collect(
    channel,
    `rm -f ${AHEAD}*; ${begin(buildDir)}\n( ${jobs.join('\n')}\nwait ) > /dev/null 2>&1 < /dev/null &`,
  );
}

const AHEAD = '/tmp/.slipway/part-';

/** Waits for a part that is archived ahead and gives it. */
function collectScript(at: number): string {
  const file = `${AHEAD}${String(at)}`;
  return `while [ ! -e ${file}.done ]; do sleep 0.01; done
[ "$(< ${file}.done)" = 0 ] || { cat ${file}.error >&2; exit 3; }
cat ${file} && rm ${file}*`;
}

/** Output of a script as a stream; while nobody reads, the box waits. */
function stream(channel: BoxChannel, script: string, input?: Iterable<Buffer>): Readable {
  let stopped = false;
  const bytes = new Readable({
    highWaterMark: 1024 * 1024,
    read() {
      channel.pause(false);
    },
    destroy(error, done) {
      stopped = true;
      channel.pause(false);
      done(error);
    },
  });
  const onOutput = (chunk: Buffer): void => {
    if (!stopped && !bytes.push(chunk)) channel.pause(true);
  };
  channel.command({ kind: 'do', script, onOutput, ...(input ? { input } : {}) }).then(
    (code) => {
      if (code === 0) bytes.push(null);
      else bytes.destroy(packError(channel, code));
    },
    (error: unknown) => {
      bytes.destroy(error instanceof Error ? error : new Error(String(error)));
    },
  );
  return bytes;
}

function packError(channel: BoxChannel, code: number): RuntimeError {
  const complaint = channel.complaint();
  const full = /no space left/i.test(complaint);
  const advice = full
    ? 'Free some disk space and deploy again.'
    : 'Make sure that the build leaves readable files and deploy again.';
  const text = `The slug could not be packed: code ${String(code)}${complaint}. ${advice}`;
  return new RuntimeError(full ? 'disk_full' : 'failed', text);
}
