import { mkdirSync } from 'node:fs';
import { join } from 'node:path';
import { app, dialog } from 'electron';
import { SlipwayError } from '#shared/errors.ts';
import { readSettings, type Settings } from '#engine/settings.ts';
import { runHeadless } from '../headless/run.ts';
import { type Launch, LINK_SCHEME, placeOfLink, readLaunch } from './launch.ts';
import { Shell } from './shell.ts';
import { registerUiScheme } from './ui-protocol.ts';

const APP_ID = 'local.slipway.desktop';
/** Words that begin every command line: the program, and in development the app's folder. */
const OWN_WORDS = app.isPackaged ? 1 : 2;

/** What is asked for before there is a shell to do it. */
const early: Launch[] = [];
let shell: Shell | null = null;
let signalled = false;

function open(launch: Launch): void {
  if (shell === null) early.push(launch);
  else shell.open(launch);
}

/** Starts the desktop app, or hands what was asked for to the one that runs on the same data folder. */
function main(): void {
  app.enableSandbox();
  registerUiScheme();
  if (process.argv.includes('--headless')) {
    app.dock?.hide();
    void runHeadless(process.env);
    return;
  }
  let settings: Settings;
  try {
    settings = readSettings(process.env);
    app.setPath('userData', profileFolder(settings));
  } catch (error) {
    fail(error);
    return;
  }
  if (!app.requestSingleInstanceLock()) {
    app.exit(0);
    return;
  }
  app.setAppUserModelId(APP_ID);
  if (app.isPackaged) app.setAsDefaultProtocolClient(LINK_SCHEME);
  listen();
  app.whenReady().then(() => start(settings), fail);
}

/** Folder of the window's profile, in the data folder: what is one for each data folder, an instance for one, goes by it. */
function profileFolder({ home }: Settings): string {
  const folder = join(home, 'window');
  try {
    mkdirSync(folder, { recursive: true, mode: 0o700 });
    return folder;
  } catch (error) {
    const reason = error instanceof Error ? error.message : String(error);
    throw new SlipwayError('unavailable', `SLIPWAY_HOME=${home} cannot be used: ${reason}`, { cause: error });
  }
}

async function start(settings: Settings): Promise<void> {
  try {
    shell = new Shell(settings);
    open(readLaunch(process.argv, OWN_WORDS, process.cwd()));
    for (const launch of early) shell.open(launch);
    await shell.ready();
  } catch (error) {
    fail(error);
  }
}

function listen(): void {
  app.on('second-instance', (_event, args, cwd) => {
    open(readLaunch(args, OWN_WORDS, cwd));
  });
  app.on('open-url', (event, url) => {
    event.preventDefault();
    const place = placeOfLink(url);
    if (place !== null) open({ place, folder: null });
  });
  app.on('open-file', (event, path) => {
    event.preventDefault();
    open({ place: null, folder: path });
  });
  app.on('activate', () => {
    shell?.window.show();
  });
  app.on('window-all-closed', () => undefined);
  app.on('before-quit', (event) => {
    if (shell === null) return;
    event.preventDefault();
    void shell.quitting.request();
  });
  process.on('SIGINT', onSignal);
  process.on('SIGTERM', onSignal);
}

/** The first signal stops in order, the second at once. */
function onSignal(): void {
  if (shell === null || signalled) {
    app.exit(signalled ? 1 : 0);
    return;
  }
  signalled = true;
  console.error('Stopping: dynos get SIGTERM and up to 30 seconds. Once more to stop at once.');
  void shell.quitting.quit('stop');
}

/** Ends a start that cannot go on, with the one line that says why. */
function fail(error: unknown): void {
  const message = error instanceof SlipwayError ? error.message : 'It failed to start.';
  console.error(`slipway: ${message}`);
  if (!(error instanceof SlipwayError)) console.error(error);
  dialog.showErrorBox('Slipway cannot start', message);
  app.exit(1);
}

main();
