import type { Desktop } from '#shared/desktop.ts';

/** What the desktop shell can do; null in a browser. The UI asks for what it needs of it, never for Electron. */
export const desktop: Desktop | null = globalThis.window.slipway ?? null;

/** True where ⌘ is the key for commands. */
export const isMac: boolean =
  desktop === null ? /Mac|iPhone|iPad/.test(navigator.platform) : desktop.capabilities.platform === 'mac';
