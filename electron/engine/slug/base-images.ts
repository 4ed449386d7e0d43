/**
 * Names of the images that a Dockerfile begins stages with or copies from, in its order (Dockerfile reference: FROM, ARG, COPY --from).
 * A name in which a variable stays open is left out.
 * @param args build arguments, which take the place of defaults
 */
export function baseImages(dockerfile: string, args: Readonly<Record<string, string>>): readonly string[] {
  const known: Record<string, string> = {};
  const stages = new Set(['scratch']);
  const found = new Set<string>();
  let begun = false;
  const add = (word: string): void => {
    const name = filled(word, known);
    if (name !== '' && !name.includes('$') && !stages.has(name.toLowerCase()) && !/^\d+$/.test(name))
      found.add(name);
  };
  for (const line of dockerfile.replace(/\\\r?\n/g, ' ').split(/\r?\n/)) {
    const [, argument, preset = ''] = /^\s*ARG\s+(\w+)(?:=(\S*))?/i.exec(line) ?? [];
    // Only what is said before the first stage counts for FROM.
    if (argument !== undefined && !begun) known[argument] = args[argument] ?? unquoted(preset);
    const [, base, stage] = /^\s*FROM\s+(?:--\S+\s+)*(\S+)(?:\s+AS\s+(\S+))?/i.exec(line) ?? [];
    begun ||= base !== undefined;
    if (base !== undefined) add(unquoted(base));
    if (stage !== undefined) stages.add(stage.toLowerCase());
    const [, from] = /^\s*COPY\s.*--from=(\S+)/i.exec(line) ?? [];
    if (from !== undefined) add(from);
  }
  return [...found];
}

/** A word with its variables: `$NAME`, `${NAME}`, `${NAME:-default}`. */
function filled(word: string, known: Readonly<Record<string, string>>): string {
  return word.replace(
    /\$(?:(\w+)|\{(\w+)(?::-([^}]*))?\})/g,
    (whole, short?: string, long?: string, other?: string) => {
      const value = known[short ?? long ?? ''] ?? '';
      return value === '' ? (other ?? whole) : value;
    },
  );
}

function unquoted(text: string): string {
  return text.replace(/^(["'])(.*)\1$/, '$2');
}
