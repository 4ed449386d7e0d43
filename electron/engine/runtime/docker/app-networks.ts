import type { Diagnostics } from '../../util/diagnostics.ts';
import { type Addresses, createBridge } from './bridge.ts';
import type { Daemon } from './daemon.ts';
import { LABEL, labels, ownedName } from './names.ts';

/** A network for containers of an app. */
export interface AppNetwork {
  readonly name: string;
  /** Null where Docker has to choose. */
  readonly addresses: Addresses | null;
}

/** One bridge network for each app, in which dynos do not reach each other; all share one when there is no room. */
export class AppNetworks {
  private readonly ready = new Map<string, Promise<AppNetwork>>();
  private readonly daemon: Daemon;
  private readonly owner: string;
  private readonly diagnostics: Diagnostics;

  constructor(daemon: Daemon, owner: string, diagnostics: Diagnostics) {
    this.daemon = daemon;
    this.owner = owner;
    this.diagnostics = diagnostics;
  }

  /** Makes sure of an app's network. */
  ensure(appId: string): Promise<AppNetwork> {
    const known = this.ready.get(appId);
    if (known) return known;
    const making = this.make(appId);
    this.ready.set(appId, making);
    making.catch(() => this.ready.delete(appId));
    return making;
  }

  /** Waits until an app's network is not being made any more. */
  async untilMade(appId: string): Promise<void> {
    await this.ready.get(appId)?.catch(() => undefined);
  }

  /** Lets go of what is known of an app's network, after it was removed. */
  forget(appId: string): void {
    this.ready.delete(appId);
  }

  private async make(appId: string): Promise<AppNetwork> {
    const name = ownedName(this.owner, `app-${appId}`);
    const own = await createBridge(this.daemon, name, labels(this.owner, 'network', { [LABEL.app]: appId }));
    if (own.notOurs !== null)
      this.diagnostics.note(`The network of app ${appId} takes its addresses from Docker (${own.notOurs}).`);
    if (own.problem === null) return { name, addresses: own.addresses };
    const shared = ownedName(this.owner, 'shared');
    this.diagnostics.note(`Docker has no room for a network of app ${appId}; its dynos use ${shared}.`);
    const { problem, addresses } = await createBridge(this.daemon, shared, labels(this.owner, 'network'));
    if (problem !== null) throw new Error(`no network could be made: ${problem}`);
    return { name: shared, addresses };
  }
}
