import { create } from 'zustand';
import type { Source } from '#shared/contract/contract.ts';
import type { Build } from '#shared/model/build.ts';
import type { Inspection } from '#shared/model/source.ts';
import { call } from '../state/connection.ts';
import { desktop } from '../state/host.ts';
import { currentPlace, go, pathOf } from '../state/route.ts';
import { dropTask, findApp, putTask } from '../state/world.ts';
import { toast, toastProblem } from '../ui/toasts.tsx';
import { attempt } from './app-actions.ts';
import type { FolderContents } from './dropped-files.ts';
import { tarBlob } from './tar-blob.ts';

/** What the dialog before a deploy shows. */
export interface DeployDialog {
  readonly open: boolean;
  /** App to deploy to; null makes a new one. */
  readonly app: string | null;
  readonly source: Source | null;
  /** What people call the source: a path or a folder's name. */
  readonly label: string;
  /** Share of the upload that is done; null when nothing is uploaded. */
  readonly progress: number | null;
  readonly inspection: Inspection | null;
  readonly name: string;
  /** Values for the config vars that the source asks a new app for. */
  readonly vars: Readonly<Record<string, string>>;
  readonly busy: boolean;
  readonly problem: string | null;
}

const CLOSED: DeployDialog = {
  open: false,
  app: null,
  source: null,
  label: '',
  progress: null,
  inspection: null,
  name: '',
  vars: {},
  busy: false,
  problem: null,
};

export const useDeployDialog = create<DeployDialog>(() => CLOSED);

let work = new AbortController();

function begin(change: Partial<DeployDialog>): AbortSignal {
  work.abort();
  work = new AbortController();
  useDeployDialog.setState({ ...CLOSED, open: true, ...change });
  return work.signal;
}

/** Opens the dialog so that a folder can be chosen. */
export function openDeployDialog(app: string | null = null): void {
  begin({ app });
}

/** Closes the dialog and gives up what it was doing. */
export function closeDeployDialog(): void {
  work.abort();
  useDeployDialog.setState(CLOSED);
}

/** Looks at a folder of the engine's machine. */
export async function takeFolder(path: string, app: string | null): Promise<void> {
  const signal = begin({ app, label: path, source: { kind: 'folder', path }, busy: true });
  await inspect({ kind: 'folder', path }, signal);
}

/** Uploads a folder's contents, then looks at them. */
export async function takeContents(contents: Promise<FolderContents>, app: string | null): Promise<void> {
  const signal = begin({ app, busy: true, label: 'Reading the folder' });
  try {
    const { name, files } = await contents;
    useDeployDialog.setState({ label: name, progress: 0 });
    const upload = await sendUpload(name, tarBlob(files), signal);
    const source = { kind: 'upload', upload } as const;
    useDeployDialog.setState({ source, progress: 1 });
    await inspect(source, signal, name);
  } catch (error) {
    fail(error, signal);
  }
}

async function inspect(source: Source, signal: AbortSignal, folder?: string): Promise<void> {
  try {
    const { app: target } = useDeployDialog.getState();
    const known = {
      ...(folder === undefined ? {} : { name: folder }),
      ...(target === null ? {} : { app: target }),
    };
    const inspection = await call('sources.inspect', { source, ...known }, signal);
    useDeployDialog.setState(({ app }) => ({
      inspection,
      busy: false,
      name: app ?? inspection.suggestedName,
      app: app ?? (findApp(inspection.app ?? '') === undefined ? null : inspection.app),
    }));
  } catch (error) {
    fail(error, signal);
  }
}

function fail(error: unknown, signal: AbortSignal): void {
  if (signal.aborted) return;
  useDeployDialog.setState({ busy: false, problem: error instanceof Error ? error.message : String(error) });
}

/** Sends a tar; its progress is a task of the window. */
function sendUpload(name: string, tar: Blob, signal: AbortSignal): Promise<string> {
  const id = crypto.randomUUID();
  const title = `Uploading ${name}`;
  const request = new XMLHttpRequest();
  const cancel = (): void => {
    request.abort();
  };
  signal.addEventListener('abort', cancel);
  putTask({ id, title, progress: 0, problem: null, cancel });
  return new Promise<string>((resolve, reject) => {
    request.upload.onprogress = ({ loaded, total }) => {
      const progress = total === 0 ? 1 : loaded / total;
      useDeployDialog.setState({ progress });
      putTask({ id, title, progress, problem: null, cancel });
    };
    request.onload = () => {
      const answer = JSON.parse(request.responseText) as { upload?: string; message?: string };
      if (request.status === 200 && answer.upload !== undefined) resolve(answer.upload);
      else reject(new Error(answer.message ?? `The upload of ${name} failed with status ${request.status}.`));
    };
    request.onerror = () => {
      reject(new Error(`The upload of ${name} broke off. Is Slipway running? Drop the folder again.`));
    };
    request.onabort = () => {
      reject(new Error('The upload was cancelled.'));
    };
    request.open('POST', '/uploads');
    request.setRequestHeader('content-type', 'application/x-tar');
    request.send(tar);
  }).finally(() => {
    signal.removeEventListener('abort', cancel);
    dropTask(id);
  });
}

/** Starts the deploy that the dialog describes, and goes to its app. */
export async function startFromDialog(): Promise<void> {
  const { source, app, name, vars } = useDeployDialog.getState();
  if (source === null) return;
  const given = Object.fromEntries(Object.entries(vars).filter(([, value]) => value !== ''));
  useDeployDialog.setState({ busy: true, problem: null });
  try {
    const target = app ?? (await call('apps.create', { name })).name;
    if (app === null) {
      // What fails from here on is tried again with the app that there is now.
      useDeployDialog.setState({ app: target });
      if (Object.keys(given).length > 0) await call('config.update', { app: target, change: given });
    }
    await call('builds.start', { app: target, source });
    useDeployDialog.setState(CLOSED);
    go(pathOf(target));
  } catch (error) {
    useDeployDialog.setState({
      busy: false,
      problem: error instanceof Error ? error.message : String(error),
    });
  }
}

/** Deploys an app's folder again; an app whose contents were uploaded asks for them. */
export async function redeploy(app: string, clearCache = false): Promise<void> {
  const folder = findApp(app)?.folder ?? null;
  if (folder === null) {
    openDeployDialog(app);
    return;
  }
  await attempt(`${app} was not deployed`, async () => {
    await call('builds.start', { app, source: { kind: 'folder', path: folder }, clearCache });
    go(pathOf(app));
  });
}

/** Makes an app of a sample and deploys it. */
export async function deploySample(sample: string): Promise<void> {
  await attempt(`The sample ${sample} was not deployed`, async () => {
    const { suggestedName } = await call('sources.inspect', { source: { kind: 'sample', sample } });
    const app = await call('apps.create', { name: suggestedName });
    await call('builds.start', { app: app.name, source: { kind: 'sample', sample } });
    go(pathOf(app.name));
  });
}

/** Lets a person choose a folder: with the system's dialog on the desktop, else in the dialog. */
export async function chooseFolder(app: string | null = null): Promise<void> {
  if (desktop === null) {
    openDeployDialog(app);
    return;
  }
  const path = await desktop.chooseFolder();
  if (path !== null) await takeFolder(path, app);
}

/** Tells how a deploy ended, when its app is not on screen. */
export function announceBuild(app: string, { release, failure }: Pick<Build, 'release' | 'failure'>): void {
  const place = currentPlace();
  if (place.screen === 'app' && place.app === app) return;
  if (failure === null) toast(`${app} v${release ?? ''} is deployed`);
  else if (failure.code !== 'cancelled') toastProblem(`The deploy of ${app} failed`, failure.message);
}
