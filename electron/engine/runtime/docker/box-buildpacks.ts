import { quote } from '../box/tools.ts';
import { type BuildBoxSpec, RuntimeError } from '../runtime.ts';
import type { BoxContainer } from './box-container.ts';
import { foldersTar, type FolderView, viewFolder } from './folder-tar.ts';
import { dockerName } from './names.ts';

const MASTERS = '/tmp/.slipway';
const masterName = (view: FolderView): string => `buildpack-${view.hash}`;
const master = (view: FolderView): string => `${MASTERS}/${masterName(view)}`;

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

/** Lines of shell that put the folders into their places, out of what `sendFolders` brought. */
export function copyCommands(folders: readonly PlacedFolder[]): string {
  return folders.map(({ view, place }) => `cp -a ${master(view)} ${quote(place)} || exit`).join('\n');
}

/**
 * Brings folders into the box that it does not have; they stay there as long as they do not change.
 * @throws RuntimeError when the box cannot take them
 */
export async function sendFolders(
  box: Pick<BoxContainer, 'channel'> & { readonly buildpacks: Set<string> },
  folders: readonly PlacedFolder[],
): Promise<void> {
  const missing = folders.map(({ view }) => view).filter(({ hash }) => !box.buildpacks.has(hash));
  if (missing.length === 0) return;
  const script = `rm -rf ${missing.map(master).join(' ')}
frames | { tar --extract --no-same-owner --directory ${MASTERS} -f -; code=$?; cat > /dev/null; exit $code; }`;
  const input = foldersTar(new Map(missing.map((view) => [masterName(view), view])));
  const code = await box.channel.command({ kind: 'do', script, input });
  if (code !== 0)
    throw new RuntimeError(
      'failed',
      `The buildpacks could not be sent to the build box${box.channel.complaint()}.`,
    );
  for (const { hash } of missing) box.buildpacks.add(hash);
}
