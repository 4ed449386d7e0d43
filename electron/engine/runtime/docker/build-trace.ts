import * as z from 'zod';

/** What one line of a build's answer says. */
export interface BuildNews {
  /** For the build log; may be empty. */
  readonly text: string;
  /** Why the build failed, in the builder's words. */
  readonly error?: string;
  /** Id of the image that was built. */
  readonly image?: string;
}

const Line = z.object({
  stream: z.string().optional(),
  status: z.string().optional(),
  error: z.string().optional(),
  id: z.string().optional(),
  aux: z.unknown().optional(),
});
const Result = z.object({ ID: z.string() });

/** Reads the lines that the daemon answers a build with: those of its older builder, of BuildKit, and of Podman. */
export class BuildTrace {
  /** Digests of steps that were shown. */
  private readonly shown = new Set<string>();

  /** @param line one JSON document; anything else is shown as it is */
  read(line: string): BuildNews {
    const parsed = parse(line);
    if (parsed === null) return { text: `${line}\n` };
    const { stream, status, error, id, aux } = parsed;
    if (error !== undefined) return { text: '', error: error.trim() };
    if (id === 'moby.buildkit.trace') return { text: typeof aux === 'string' ? this.steps(aux) : '' };
    const result = Result.safeParse(aux);
    if (result.success) return { text: '', image: result.data.ID };
    if (stream !== undefined) return { text: stream };
    return { text: status === undefined ? '' : pullText(status, id) };
  }

  /** Steps that begin, and what they print. */
  private steps(base64: string): string {
    const texts: string[] = [];
    for (const { field, bytes } of fieldsOf(Buffer.from(base64, 'base64'))) {
      if (field === 1) texts.push(this.step(bytes));
      if (field === 3) texts.push(output(bytes));
    }
    return texts.join('');
  }

  /** What fails a step fails the build, which says so. */
  private step(vertex: Buffer): string {
    const fields = new Map(fieldsOf(vertex).map(({ field, bytes, value }) => [field, { bytes, value }]));
    const text = (field: number): string => fields.get(field)?.bytes.toString('utf8') ?? '';
    const [digest, name] = [text(1), text(3)];
    const cached = fields.get(4)?.value === 1;
    if (this.shown.has(digest) || (!fields.has(5) && !cached)) return '';
    this.shown.add(digest);
    return `${name}${cached ? ' (cached)' : ''}\n`;
  }
}

/** What a step of BuildKit printed. */
function output(log: Buffer): string {
  return (
    fieldsOf(log)
      .find(({ field }) => field === 4)
      ?.bytes.toString('utf8') ?? ''
  );
}

/** Bars of progress would be a line each; only what ends is told. */
function pullText(status: string, id: string | undefined): string {
  if (/^(Downloading|Extracting|Waiting|Verifying Checksum|Download complete|Pulling fs layer)/.test(status))
    return '';
  return id === undefined ? `${status}\n` : `${id}: ${status}\n`;
}

function parse(line: string): z.output<typeof Line> | null {
  try {
    return Line.parse(JSON.parse(line));
  } catch {
    return null;
  }
}

interface Field {
  readonly field: number;
  /** Empty for a number. */
  readonly bytes: Buffer;
  /** 0 for bytes. */
  readonly value: number;
}

/**
 * Fields of a message in protocol buffers, which is how BuildKit tells of its steps (`moby.buildkit.v1.StatusResponse`). A message that
 * ends too early gives the fields before that.
 */
function fieldsOf(message: Buffer): Field[] {
  const fields: Field[] = [];
  let at = 0;
  const number = (): number => {
    let value = 0;
    for (let shift = 0; at < message.length; shift += 7) {
      const byte = message[at++] ?? 0;
      value += (byte & 0x7f) * 2 ** shift;
      if (byte < 0x80) break;
    }
    return value;
  };
  while (at < message.length) {
    const tag = number();
    const [field, kind] = [Math.floor(tag / 8), tag % 8];
    if (kind === 0) fields.push({ field, bytes: Buffer.alloc(0), value: number() });
    else if (kind === 2) {
      const length = number();
      fields.push({ field, bytes: message.subarray(at, at + length), value: 0 });
      at += length;
    } else if (kind === 1) at += 8;
    else if (kind === 5) at += 4;
    else break;
  }
  return fields;
}
