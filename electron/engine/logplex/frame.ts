import { crc32 } from 'node:zlib';
import * as z from 'zod';
import { type LogFilter, type LogLine, matchesFilter } from '#shared/model/log.ts';

/**
 * What is written to disk at once: lines with consecutive numbers, and how far the dynos' outputs have been read.
 *
 * 24 bytes of head (magic, CRC-32 of all behind it, length of the payload, number of lines, number of the first line),
 * then the payload in UTF-8: one row for each line, then one row for each cursor. The magic holds bytes that UTF-8
 * never has, so no log text looks like a frame.
 */
export interface Frame {
  /** Number of the first line; for a frame without lines, of the line that comes next. */
  readonly firstSeq: number;
  readonly count: number;
  readonly payload: Buffer;
  /** Where the frame ends in its file. */
  readonly end: number;
}

/** Where the reader of a dyno's output is; null says that the dyno is forgotten. */
export type CursorChanges = ReadonlyMap<string, string | null>;

const MAGIC = Buffer.from([0xff, 0x53, 0x4c, 0xfe]);
const HEAD = 24;
const CRC_FROM = 8;
const CursorRow = z.tuple([z.string(), z.string().nullable()]);

const FLAGS = { app: { stdout: 'a', stderr: 'A' }, heroku: { stdout: 'h', stderr: 'H' } } as const;

/** Makes a frame. `ps` must hold neither tab nor line end, `text` no line end. */
export function encodeFrame(firstSeq: number, lines: readonly LogLine[], cursors: CursorChanges): Buffer {
  let payload = '';
  let at = Number.NaN;
  let time = '';
  for (const line of lines) {
    if (line.at !== at) {
      at = line.at;
      time = String(at);
    }
    payload += `${FLAGS[line.source][line.stream]}${time}\t${line.ps}\t${line.text}\n`;
  }
  for (const cursor of cursors) payload += `${JSON.stringify(cursor)}\n`;
  const length = Buffer.byteLength(payload);
  const frame = Buffer.allocUnsafe(HEAD + length);
  MAGIC.copy(frame);
  frame.writeUInt32LE(length, 8);
  frame.writeUInt32LE(lines.length, 12);
  frame.writeDoubleLE(firstSeq, 16);
  frame.write(payload, HEAD);
  frame.writeUInt32LE(crc32(frame.subarray(CRC_FROM)), 4);
  return frame;
}

/** All whole frames of a file from `from` on, in order. Damaged and torn places are passed over. */
export function readFrames(data: Buffer, from: number): Frame[] {
  const frames: Frame[] = [];
  let at = from;
  while (at >= 0 && at + HEAD <= data.length) {
    const frame = frameAt(data, at);
    if (frame === null) {
      at = data.indexOf(MAGIC, at + 1);
    } else {
      frames.push(frame);
      at = frame.end;
    }
  }
  return frames;
}

function frameAt(data: Buffer, at: number): Frame | null {
  if (data.compare(MAGIC, 0, MAGIC.length, at, at + MAGIC.length) !== 0) return null;
  const end = at + HEAD + data.readUInt32LE(at + 8);
  if (end > data.length || crc32(data.subarray(at + CRC_FROM, end)) !== data.readUInt32LE(at + 4))
    return null;
  return {
    firstSeq: data.readDoubleLE(at + 16),
    count: data.readUInt32LE(at + 12),
    payload: data.subarray(at + HEAD, end),
    end,
  };
}

/** The lines of a frame that pass the filter and have a number below `before`, in order. */
export function frameLines(frame: Frame, filter: LogFilter, before: number): LogLine[] {
  const payload = frame.payload.toString('utf8');
  const count = Math.min(frame.count, before - frame.firstSeq);
  const lines: LogLine[] = [];
  let from = 0;
  for (let index = 0; index < count; index += 1) {
    const end = payload.indexOf('\n', from);
    const afterTime = payload.indexOf('\t', from);
    const afterPs = payload.indexOf('\t', afterTime + 1);
    const flag = payload.slice(from, from + 1);
    const source = flag === 'a' || flag === 'A' ? 'app' : 'heroku';
    const ps = payload.slice(afterTime + 1, afterPs);
    if (matchesFilter({ source, ps }, filter)) {
      const at = Number(payload.slice(from + 1, afterTime));
      const stream = flag === 'a' || flag === 'h' ? 'stdout' : 'stderr';
      lines.push({
        kind: 'line',
        seq: frame.firstSeq + index,
        at,
        source,
        ps,
        stream,
        text: payload.slice(afterPs + 1, end),
      });
    }
    from = end + 1;
  }
  return lines;
}

/** The cursors of a frame. */
export function frameCursors(frame: Frame): [dynoId: string, position: string | null][] {
  let from = 0;
  for (let index = 0; index < frame.count; index += 1) from = frame.payload.indexOf(10, from) + 1;
  if (from >= frame.payload.length) return [];
  const rows = frame.payload.toString('utf8', from).split('\n');
  return rows.filter((row) => row !== '').map((row) => CursorRow.parse(JSON.parse(row)));
}
