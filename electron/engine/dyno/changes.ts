/** Wakes those who wait for something to change. */
export class Changes {
  private readonly waiting = new Set<() => void>();

  /** Something has changed. */
  tell(): void {
    for (const wake of [...this.waiting]) wake();
  }

  /** Resolves at the next change, or when the signal is given. */
  next(signal?: AbortSignal): Promise<void> {
    return new Promise((resolve) => {
      const wake = (): void => {
        this.waiting.delete(wake);
        signal?.removeEventListener('abort', wake);
        resolve();
      };
      this.waiting.add(wake);
      signal?.addEventListener('abort', wake);
    });
  }
}
