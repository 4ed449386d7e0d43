import { statfs } from 'node:fs/promises';

/** How often the disk is looked at, in milliseconds. */
const LOOK_MS = 500;
/** Room that a build leaves on the disk: this many bytes, or this part of a small disk. */
const KEPT_BYTES = 256 * 1024 * 1024;
const KEPT_PART = 0.05;

/**
 * Looks after the room on a disk while foreign scripts run: its signal is aborted once they have used up nearly all of it. A disk that
 * was as full before is none of its business.
 */
export class DiskGuard implements Disposable {
  private readonly folder: string;
  private readonly full = new AbortController();
  private readonly timer: NodeJS.Timeout;
  private hadRoom = false;

  /** @param folder on the disk */
  constructor(folder: string) {
    this.folder = folder;
    this.timer = setInterval(() => void this.look(), LOOK_MS);
    void this.look();
  }

  get signal(): AbortSignal {
    return this.full.signal;
  }

  [Symbol.dispose](): void {
    clearInterval(this.timer);
  }

  private async look(): Promise<void> {
    const disk = await statfs(this.folder).catch(() => null);
    if (disk === null) return;
    const kept = Math.min(KEPT_BYTES, disk.blocks * disk.bsize * KEPT_PART);
    if (disk.bavail * disk.bsize > kept) this.hadRoom = true;
    else if (this.hadRoom) this.full.abort();
  }
}
