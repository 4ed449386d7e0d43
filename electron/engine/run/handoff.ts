/** Hands items from one side to the other, one at a time: the giver waits until each is taken. */
export class Handoff<Item> {
  private item: Item | null = null;
  private closed = false;
  private onTaken: () => void = () => undefined;
  private onItem: () => void = () => undefined;

  /** Resolves when the item was taken; at once, without it, when nobody takes any more. One call at a time. */
  async give(item: Item): Promise<void> {
    if (this.closed) return;
    this.item = item;
    const taken = new Promise<void>((resolve) => (this.onTaken = resolve));
    this.onItem();
    await taken;
  }

  /** The next item, or null once it is closed. One call at a time. */
  async take(): Promise<Item | null> {
    while (this.item === null && !this.closed) await new Promise<void>((resolve) => (this.onItem = resolve));
    const { item } = this;
    this.item = null;
    this.onTaken();
    return item;
  }

  /** Ends it for both sides; an item that was not taken is dropped. Idempotent. */
  close(): void {
    this.closed = true;
    this.item = null;
    this.onTaken();
    this.onItem();
  }
}
