import { Readable } from 'node:stream';
import { quote } from '../box/tools.ts';
import type { PackedPart } from '../runtime.ts';
import type { BoxChannel } from './box-channel.ts';
import { collect, names, packError } from './box-listing.ts';
import { planSlug, type SlugMemory } from './slug-memory.ts';
import { type PartPlan, tarBytes } from './slug-listing.ts';

/** Parts of fewer bytes are archived sooner than another processor is asked to. */
const WORTH_AHEAD = 1024 * 1024;

/**
 * Archives the box's BUILD_DIR part by part; see `BuildBox.pack`.
 * @throws RuntimeError when a file cannot be read or the disk is full
 */
export async function* packSlug(
  channel: BoxChannel,
  buildDir: string,
  known: ReadonlySet<string>,
  memory: SlugMemory,
): AsyncIterable<PackedPart> {
  const parts = await planSlug(channel, buildDir, known, memory);
  const wanted = parts.flatMap(({ key, plan }) => (plan === null || known.has(key) ? [] : [plan]));
  const [first, ...others] = wanted;
  const ahead = others.reduce((sum, plan) => sum + tarBytes(plan.entries), 0) >= WORTH_AHEAD;
  let finished = false;
  try {
    if (ahead) await packAhead(channel, buildDir, others);
    for (const { key, plan } of parts) {
      if (plan === null || known.has(key)) yield { key, bytes: null };
      else if (plan === first || !ahead) yield* packed(key, direct(channel, buildDir, plan));
      else yield* packed(key, stream(channel, collectScript(others.indexOf(plan))));
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

/**
 * Commands that archive a part, with the names from a file. The tar of an inner part is cut where its entries end, so that
 * all parts together are one tar. Where that is follows from the entries; what is cut off has to be nothing but zeros, for `grep` only
 * empty lines.
 */
function archiveScript(part: PartPlan, names: string): string {
  const cut = `{ head -c ${String(tarBytes(part.entries))} | zstd -q -1 -T0 -c || exit 3; ! grep -qvxz '' || exit 4; }`;
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

/** Starts to archive further parts into files, two at a time, so that all processors have work while the first one is read. */
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
