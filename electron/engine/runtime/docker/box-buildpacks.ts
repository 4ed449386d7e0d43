import { quote } from '../box/tools.ts';
import { type BuildBoxSpec, RuntimeError } from '../runtime.ts';
import { makeFolders } from './box-clean.ts';
import type { BoxContainer } from './box-container.ts';
import { foldersTar, type FolderView, viewFolder } from './folder-tar.ts';
import { dockerName } from './names.ts';

const MASTERS = '/tmp/.slipway';
const PLACES = '/tmp/buildpacks';
const masterName = (view: FolderView): string => `buildpack-${view.hash}`;
const master = (view: FolderView): string => `${MASTERS}/${masterName(view)}`;

/** A folder of the engine, and where scripts in the box find it. */
export interface PlacedFolder {
  readonly name: string;
  readonly view: FolderView;
  readonly place: string;
}

/**
 * The spec's buildpacks, and beside them what they share.
 * @param known folders that were looked at before, and do not change: gets those that it has not
 */
export async function viewBuildpacks(
  { buildpacks }: BuildBoxSpec,
  known: Map<string, FolderView>,
): Promise<readonly PlacedFolder[]> {
  const common = buildpacks.find((each) => each.common !== undefined)?.common;
  const places = buildpacks.map((each) => ({ ...each, at: dockerName(each.name) }));
  if (common !== undefined) places.push({ name: '', folder: common, at: 'common' });
  return Promise.all(
    places.map(async ({ name, folder, changeable, at }) => {
      const view = known.get(folder) ?? (await viewFolder(folder));
      if (changeable !== true) known.set(folder, view);
      return { name, view, place: `${PLACES}/${at}` };
    }),
  );
}

/**
 * Lines of shell that put folders into their places, out of what `sendFolders` brought.
 * @param placed those that are there already
 */
export function copyCommands(folders: readonly PlacedFolder[], placed: readonly PlacedFolder[] = []): string {
  const isPlaced = ({ view, place }: PlacedFolder): boolean =>
    placed.some((each) => each.place === place && each.view.hash === view.hash);
  const copies = folders
    .filter((folder) => !isPlaced(folder))
    .map(({ view, place }) => `rm -rf ${quote(place)}; cp -a ${master(view)} ${quote(place)} || exit`);
  return [makeFolders(PLACES), ...copies].join('\n');
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
