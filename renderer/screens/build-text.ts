import type { BuildFailureCode, BuildPhaseName } from '#shared/model/build.ts';

/** What people call the phases of a deploy. */
export const PHASE_TITLES: Readonly<Record<BuildPhaseName, string>> = {
  source: 'Read the source',
  stack: 'Prepare the stack',
  detect: 'Find the buildpack',
  compile: 'Compile',
  types: 'Find process types',
  pack: 'Pack the slug',
  release: 'Release',
  launch: 'Start dynos',
};

/** Line of the build log that each phase begins with (reference: heroku-platform 2.5). */
const STARTS: readonly (readonly [BuildPhaseName, RegExp])[] = [
  ['stack', /^-----> Building on/],
  ['detect', /^-----> (Determining which buildpack|Using build(packs?|er):|Building from)/],
  ['compile', /^(-----> .+ app detected|=== Building |===> )/],
  ['types', /^-----> Discovering process types/],
  ['pack', /^-----> (Compressing|Keeping the images?)/],
  ['launch', /^-----> Launching/],
];

/**
 * Cuts a build's output where its phases begin. What tells of the failure goes to the phase that failed, if there is one.
 */
export function splitOutput(
  text: string,
  failed: BuildPhaseName | null,
): ReadonlyMap<BuildPhaseName, readonly string[]> {
  const parts = new Map<BuildPhaseName, string[]>();
  let phase: BuildPhaseName = 'source';
  let next = 0;
  for (const line of text.replace(/\n$/, '').split('\n')) {
    const found = STARTS.findIndex(([, start], index) => index >= next && start.test(line));
    const start = STARTS[found];
    if (start !== undefined) {
      next = found + 1;
      phase = start[0];
    }
    const place = failed !== null && line.startsWith(' !') ? failed : phase;
    const lines = parts.get(place) ?? [];
    lines.push(line);
    parts.set(place, lines);
  }
  if (text === '') parts.clear();
  return parts;
}

const ADVICE: Readonly<Record<BuildFailureCode, string>> = {
  source_missing: 'Check that the folder is still where it was, or choose another one.',
  source_not_a_folder: 'Choose the folder that holds the project, not a file in it.',
  source_unreadable: 'Give yourself the right to read the files that are named, then try again.',
  source_empty: 'Put the project into the folder, or look whether .slugignore leaves everything out.',
  source_too_large: 'List large files that the app does not need in .slugignore, then try again.',
  source_unsafe: 'Replace the link that is named by a file within the project.',
  stack_failed: 'The base image could not be made. Settings shows the state of Docker and what to do.',
  config_missing: 'Set the config vars that are named, then try again.',
  buildpack_unavailable: 'Check the address of the buildpack in the app’s options, and the network.',
  no_buildpack:
    'Add the files that a buildpack knows an app by, or choose a buildpack or a stack in the app’s options.',
  detect_failed: 'The last lines say what the buildpack stumbled over.',
  compile_failed:
    'The last lines before the failure say what went wrong. Mend it and try again; “without cache” rules out old files.',
  compile_timeout:
    'Look for a step that waits for input or for the network. Settings has the time that a build may take.',
  procfile_invalid: 'Each line of a Procfile reads “type: command”. Correct the lines that are named.',
  heroku_yml_invalid: 'Correct the keys of heroku.yml that are named, then try again.',
  dockerfile_missing: 'Add the file that is named, or choose another stack in the app’s options.',
  slug_too_large: 'A slug may have 500 MB. List what the app does not need in .slugignore.',
  pack_failed: 'The slug could not be written. Settings shows how much room the disk has.',
  release_failed: 'The release could not be written down. Try again.',
  postdeploy_failed: 'The app is deployed; run the command again in its console once it is mended.',
  launch_failed:
    'The new version does not come up; its log below says why. The version before goes on serving, if there is one.',
  disk_full: 'Make room on the disk: Settings shows what Slipway uses and can clean up.',
  cancelled: 'It was cancelled; nothing of it stays.',
  interrupted: 'Slipway ended in the middle of it. Try again.',
  internal: 'This is a fault of Slipway. Try again; its diagnostics say more.',
};

/** A plain sentence on what to do about a failed deploy. */
export function adviceFor(code: BuildFailureCode): string {
  return ADVICE[code];
}
