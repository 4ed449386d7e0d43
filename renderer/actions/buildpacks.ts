import { call } from '../state/connection.ts';
import { toast } from '../ui/toasts.tsx';
import { attempt } from './app-actions.ts';

const NOT_CHANGED = 'The buildpacks were not changed';

/** Puts a list in the place of the app's own. */
export function setBuildpacks(app: string, buildpacks: string[]): Promise<boolean> {
  return attempt(NOT_CHANGED, async () => {
    await call('buildpacks.set', { app, buildpacks });
  });
}

/** Adds one behind the others. */
export function addBuildpack(app: string, buildpack: string): Promise<boolean> {
  return attempt(NOT_CHANGED, async () => {
    await call('buildpacks.add', { app, buildpack });
  });
}

/** Takes one away. */
export function removeBuildpack(app: string, buildpack: string): Promise<boolean> {
  return attempt(NOT_CHANGED, async () => {
    await call('buildpacks.remove', { app, buildpack });
  });
}

/** Forgets list and detected buildpack. */
export function clearBuildpacks(app: string): Promise<boolean> {
  return attempt(NOT_CHANGED, async () => {
    await call('buildpacks.clear', { app });
  });
}

/** Empties the build cache. */
export function purgeCache(app: string): Promise<boolean> {
  return attempt('The build cache was not emptied', async () => {
    await call('builds.purgeCache', { app });
    toast('Build cache emptied');
  });
}
