import type { Diagnostics } from '../../util/diagnostics.ts';
import { createBridge } from './bridge.ts';
import type { Daemon } from './daemon.ts';
import { LABEL, labels, ownedName } from './names.ts';

/** One bridge network for each app, in which dynos do not reach each other; all share one when there is no room. */
export class AppNetworks {
  private readonly ready = new Map<string, Promise<string>>();
  private readonly daemon: Daemon;
  private readonly owner: string;
  private readonly diagnostics: Diagnostics;

  constructor(daemon: Daemon, owner: string, diagnostics: Diagnostics) {
    this.daemon = daemon;
    this.owner = owner;
    this.diagnostics = diagnostics;
  }

  /** Makes sure of an app's network. @returns its name */
  ensure(appId: string): Promise<string> {
    const known = this.ready.get(appId);
    if (known) return known;
    const making = this.make(appId);
    this.ready.set(appId, making);
    making.catch(() => this.ready.delete(appId));
    return making;
  }

  /** Lets go of what is known of an app's network, after it was removed. */
  forget(appId: string): void {
    this.ready.delete(appId);
  }

  private async make(appId: string): Promise<string> {
    const name = ownedName(this.owner, `app-${appId}`);
    const own = await createBridge(this.daemon, name, labels(this.owner, 'network', { [LABEL.app]: appId }));
    if (own.notOurs !== null)
      this.diagnostics.note(`The network of app ${appId} takes its addresses from Docker (${own.notOurs}).`);
    if (own.problem === null) return name;
    const shared = ownedName(this.owner, 'shared');
    this.diagnostics.note(`Docker has no room for a network of app ${appId}; its dynos use ${shared}.`);
    const { problem } = await createBridge(this.daemon, shared, labels(this.owner, 'network'));
    if (problem !== null) throw new Error(`no network could be made: ${problem}`);
    return shared;
  }
}
