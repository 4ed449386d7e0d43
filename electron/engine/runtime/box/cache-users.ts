/** Keeps builds and the removal of caches apart. */
export class CacheUsers {
  private readonly counts = new Map<string, number>();
  private cleaning: Promise<void> | null = null;

  /** Notes a build of an app, once caches are not being removed. @returns what ends it; more than one call counts once */
  async enter(appId: string): Promise<() => void> {
    while (this.cleaning !== null) await this.cleaning;
    this.counts.set(appId, (this.counts.get(appId) ?? 0) + 1);
    let left = false;
    return () => {
      if (left) return;
      left = true;
      const count = (this.counts.get(appId) ?? 1) - 1;
      if (count === 0) this.counts.delete(appId);
      else this.counts.set(appId, count);
    };
  }

  /**
   * Runs a removal, after the one before it. Builds that want to begin meanwhile wait for its end.
   * @param task gets to know which apps are being built, and whether any is
   */
  async clean(task: (isBusy: (appId: string) => boolean, anyBusy: boolean) => Promise<void>): Promise<void> {
    while (this.cleaning !== null) await this.cleaning;
    const done = Promise.withResolvers<void>();
    this.cleaning = done.promise;
    try {
      await task((appId) => this.counts.has(appId), this.counts.size > 0);
    } finally {
      this.cleaning = null;
      done.resolve();
    }
  }
}
