import { quote } from '../box/tools.ts';
import { type BuildBoxSpec, RuntimeError } from '../runtime.ts';
import type { BoxContainer } from './box-container.ts';
import { type FolderView, viewFolder } from './folder-tar.ts';
import { dockerName } from './names.ts';

const master = (view: FolderView): string => `/tmp/.slipway/buildpack-${view.hash}`;

/** A folder of the engine, and where scripts in the box find it. */
export interface PlacedFolder {
  readonly name: string;
  readonly view: FolderView;
  readonly place: string;
}

/** The spec's buildpacks, and beside them what they share. */
export async function viewBuildpacks({ buildpacks }: BuildBoxSpec): Promise<readonly PlacedFolder[]> {
  const common = buildpacks.find((each) => each.common !== undefined)?.common;
  const places = buildpacks.map(({ name, folder }, at) => ({
    name,
    folder,
    at: `${String(at)}-${dockerName(name)}`,
  }));
  if (common !== undefined) places.push({ name: '', folder: common, at: 'common' });
  return Promise.all(
    places.map(async ({ name, folder, at }) => ({
      name,
      view: await viewFolder(folder),
      place: `/tmp/buildpacks/${at}`,
    })),
  );
}

/** Lines of shell that put the folders into their places, out of what `sendFolder` brought. */
export function copyCommands(folders: readonly PlacedFolder[]): string {
  return folders.map(({ view, place }) => `cp -a ${master(view)} ${quote(place)} || exit`).join('\n');
}

/** Brings a folder into the box, once for as long as it does not change. @throws RuntimeError when the box cannot take it */
export async function sendFolder(
  box: Pick<BoxContainer, 'channel'> & { readonly buildpacks: Set<string> },
  view: FolderView,
): Promise<void> {
  if (box.buildpacks.has(view.hash)) return;
  const script = `rm -rf ${master(view)}; mkdir -p ${master(view)} || exit
frames | { tar --extract --no-same-owner --directory ${master(view)} -f -; code=$?; cat > /dev/null; exit $code; }`;
  const code = await box.channel.command({ kind: 'do', script, input: view.tar() });
  if (code !== 0)
    throw new RuntimeError(
      'failed',
      `A buildpack could not be sent to the build box${box.channel.complaint()}.`,
    );
  box.buildpacks.add(view.hash);
}
