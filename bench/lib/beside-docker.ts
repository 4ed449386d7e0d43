import { expressApp } from '../../test/e2e/support/app-folder.ts';
import { deploy, startHost } from '../../test/e2e/support/host.ts';
import { type DockerPeer, openDockerPeer } from './docker-peer.ts';

type Host = Awaited<ReturnType<typeof startHost>>;
type AppFolder = Awaited<ReturnType<typeof expressApp>>;

/** One Express app: deployed on an engine of its own, and as an image for `docker run`. */
export interface BesideDocker {
  readonly folder: AppFolder;
  readonly host: Host;
  readonly peer: DockerPeer;
  /** Ends and removes all of it. */
  readonly close: () => Promise<void>;
}

/**
 * Deploys the app and builds its image.
 * @param app name of the app
 * @param greetings what it says, a release for each
 */
export async function openBesideDocker(
  app: string,
  greetings: readonly string[] = ['hello'],
): Promise<BesideDocker & { readonly releases: readonly number[] }> {
  const folder = await expressApp();
  const host = await startHost({ SLIPWAY_RUNTIME: 'docker' });
  await host.client.call('apps.create', { name: app });
  const releases: number[] = [];
  for (const greeting of greetings) {
    await folder.greet(greeting);
    const { release } = await deploy(host, app, folder.path);
    if (release === null) throw new Error('the deploy made no release');
    releases.push(release);
  }
  const peer = await openDockerPeer(folder.path);
  return {
    ...{ folder, host, peer, releases },
    async close() {
      await host.client.call('apps.destroy', { app, confirm: app });
      await host.stop();
      await peer.close();
      await folder.remove();
    },
  };
}
