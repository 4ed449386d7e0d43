import { type BrowserWindow, dialog } from 'electron';

/** Asks for a folder; null when the person changed their mind. */
export async function chooseFolder(window: BrowserWindow | null): Promise<string | null> {
  const options = {
    title: 'Deploy Folder',
    buttonLabel: 'Choose',
    properties: ['openDirectory', 'createDirectory'] as ('openDirectory' | 'createDirectory')[],
  };
  const { filePaths } =
    window === null ? await dialog.showOpenDialog(options) : await dialog.showOpenDialog(window, options);
  return filePaths[0] ?? null;
}

/** Asks what becomes of the dynos when Slipway quits; null when it shall not quit. */
export async function askAboutDynos(
  window: BrowserWindow | null,
  dynosUp: number,
): Promise<'stop' | 'keep' | null> {
  const options = {
    type: 'question' as const,
    message: dynosUp === 1 ? 'One dyno is up.' : `${dynosUp} dynos are up.`,
    detail: 'Dynos that go on running are taken over at the next start. Until then nothing routes to them.',
    buttons: ['Stop Dynos', 'Leave Running', 'Cancel'],
    defaultId: 0,
    cancelId: 2,
  };
  const { response } =
    window === null ? await dialog.showMessageBox(options) : await dialog.showMessageBox(window, options);
  return (['stop', 'keep'] as const)[response] ?? null;
}
