import type { Transport } from './frames.ts';

/** Two ends of a connection within one process. Frames are copied as JSON, so that nothing passes that another transport would lose. */
export function memoryTransports(): [Transport, Transport] {
  const ends = [new MemoryEnd(), new MemoryEnd()] as const;
  ends[0].other = ends[1];
  ends[1].other = ends[0];
  return [ends[0], ends[1]];
}

class MemoryEnd implements Transport {
  other: MemoryEnd | null = null;
  private onFrame: ((frame: unknown) => void) | null = null;
  private onClose: (() => void) | null = null;
  private open = true;

  send(frame: unknown): void {
    if (!this.open) return;
    const copy: unknown = JSON.parse(JSON.stringify(frame));
    queueMicrotask(() => {
      if (this.open) this.other?.onFrame?.(copy);
    });
  }

  receive(onFrame: (frame: unknown) => void, onClose: () => void): void {
    this.onFrame = onFrame;
    this.onClose = onClose;
  }

  close(): void {
    for (const end of [this, this.other]) {
      if (end?.open !== true) continue;
      end.open = false;
      queueMicrotask(() => end.onClose?.());
    }
  }
}
