/** A file of a dropped or chosen folder. */
export interface FolderFile {
  /** Path within the folder, with `/`. */
  readonly path: string;
  readonly file: File;
}

type Part = Uint8Array<ArrayBuffer> | File;

const BLOCK = 512;

/** A tar of files whose contents are read only while it is sent. Browsers do not tell modes: scripts by their names may run. */
export function tarBlob(files: readonly FolderFile[]): Blob {
  const parts: Part[] = [];
  for (const { path, file } of files) {
    const name = new TextEncoder().encode(path);
    if (name.length > 100)
      parts.push(header('././@PaxHeader', 'x', paxRecord(path).length, 0o644, 0), ...padded(paxRecord(path)));
    parts.push(header(path, '0', file.size, modeOf(path), Math.floor(file.lastModified / 1000)), file);
    parts.push(new Uint8Array(padding(file.size)));
  }
  parts.push(new Uint8Array(2 * BLOCK));
  return new Blob(parts, { type: 'application/x-tar' });
}

function modeOf(path: string): number {
  const name = path.slice(path.lastIndexOf('/') + 1);
  return /\.(sh|bash|py|rb|pl)$/.test(name) || !name.includes('.') ? 0o755 : 0o644;
}

/** A path that is too long for a header, as a pax record: its length, counting the digits of the length itself. */
function paxRecord(path: string): Uint8Array<ArrayBuffer> {
  const encoder = new TextEncoder();
  const rest = ` path=${path}\n`;
  const size = encoder.encode(rest).length;
  let length = size + String(size).length;
  if (String(length).length !== String(size).length) length = size + String(length).length;
  return Uint8Array.from(encoder.encode(`${length}${rest}`));
}

function padded(bytes: Uint8Array<ArrayBuffer>): Part[] {
  return [bytes, new Uint8Array(padding(bytes.length))];
}

function padding(size: number): number {
  return (BLOCK - (size % BLOCK)) % BLOCK;
}

function header(
  name: string,
  type: string,
  size: number,
  mode: number,
  seconds: number,
): Uint8Array<ArrayBuffer> {
  const block = new Uint8Array(BLOCK);
  const encoder = new TextEncoder();
  const put = (text: string, at: number, length: number): void => {
    block.set(encoder.encode(text).subarray(0, length), at);
  };
  const octal = (value: number, digits: number): string => value.toString(8).padStart(digits, '0');
  put(name, 0, 100);
  put(`${octal(mode, 7)}\0`, 100, 8);
  put(`${octal(0, 7)}\0`, 108, 8);
  put(`${octal(0, 7)}\0`, 116, 8);
  put(`${octal(size, 11)}\0`, 124, 12);
  put(`${octal(Math.max(0, seconds), 11)}\0`, 136, 12);
  put('        ', 148, 8);
  put(type, 156, 1);
  put('ustar\x0000', 257, 8);
  const sum = block.reduce((total, byte) => total + byte, 0);
  put(`${octal(sum, 6)}\0 `, 148, 8);
  return block;
}
