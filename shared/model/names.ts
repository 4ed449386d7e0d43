import * as z from 'zod';

/** App name: 3 to 30 characters, starts with a letter, also a valid DNS label (reference: heroku-platform 2.6). */
export const AppName = z
  .string()
  .regex(
    /^[a-z][a-z0-9-]{1,28}[a-z0-9]$/,
    'an app name has 3 to 30 characters: lower-case letters, digits and dashes, starting with a letter and not ending in a dash',
  );

/** Process type as written in a Procfile (reference: heroku-platform 1.1). Bounded so that dyno names stay host-name sized. */
export const ProcessType = z
  .string()
  .max(63)
  .regex(/^[A-Za-z0-9_-]+$/, 'a process type is made of letters, digits, "-" and "_"');

const ADJECTIVES =
  'agile amber ancient arctic autumn blue bold brisk calm coral crisp cosmic damp dawn deep dusty early fair fresh gentle glacial golden green hidden icy indigo jade keen late lively lunar mellow misty noble northern pale plain polar proud quiet rapid rocky rosy royal rustic salty serene sharp shy silent silver sleek snowy solar steady still stormy swift tidal vast warm western wild windy young'.split(
    ' ',
  );
const NOUNS =
  'anchor bay beacon bow breeze brook buoy canal cape cliff cloud coast cove creek crest current delta dock dune eddy ferry fjord fleet galley gulf gull harbor haven helm hull inlet island jetty keel lagoon lake mast meadow moon mooring oar ocean pier port prow quay raft reef ridge river rudder sail sea shoal shore sky sloop sound spray star stream sun surf tide vessel voyage wave wharf wind'.split(
    ' ',
  );

/**
 * Makes a friendly app name such as `misty-cove-48213`.
 * @param random returns numbers in [0, 1), like Math.random
 */
export function generateAppName(random: () => number): string {
  const pick = (words: string[]): string => words[Math.floor(random() * words.length)] ?? 'calm';
  const digits = String(10_000 + Math.floor(random() * 90_000));
  return `${pick(ADJECTIVES)}-${pick(NOUNS)}-${digits}`;
}

/**
 * Turns any text (a folder name, usually) into a valid app name, or null when nothing usable is left.
 */
export function appNameFrom(text: string): string | null {
  const name = text
    .normalize('NFKD')
    .toLowerCase()
    .replace(/[^a-z0-9]+/g, '-')
    .replace(/^[^a-z]+/, '')
    .slice(0, 30)
    .replace(/-+$/, '');
  return AppName.safeParse(name).success ? name : null;
}
