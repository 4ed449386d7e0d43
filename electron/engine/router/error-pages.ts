import { bareHost, hostName } from './decision.ts';
import { FAILURES, type FailureKey } from './failures.ts';
import type { Route } from './routing-table.ts';

/** What an error page speaks of. */
export interface ErrorPage {
  readonly status: number;
  /** `H10`, or `no-such-app`; also sent as the header `Slipway-Error`. */
  readonly code: string;
  /** Name of the app, or the host that is none. */
  readonly appName: string;
  /** The app's own page in place of the router's, or null. */
  readonly html: string | null;
}

interface Words {
  readonly title: string;
  readonly text: string;
  /** A command that helps. */
  readonly command: string;
}

const logs = (app: string): string => `slipway logs --app ${app}`;
const OWNER = 'If you are the application owner, see the log for details:';

const otherHost: Words = {
  title: 'Another host’s connection',
  text: 'This connection was opened for another host than the request names. Open one for the host of the request.',
  command: '',
};

const WORDS: Record<string, (app: string) => Words> = {
  'no-such-app': (host) => {
    const name = hostName(host) ?? (/^[\d.]+$|^[^.]*$/.test(host) ? host : null);
    if (name !== null && (name === host || !name.includes('.')))
      return {
        title: 'No such app',
        text: `There is no app named “${name}” here. All apps:`,
        command: 'slipway apps',
      };
    return {
      title: 'No such app',
      text: `No app here has the domain “${host}”. To give it to one:`,
      command: `slipway domains add ${host} --app APP`,
    };
  },
  H11: (app) => ({
    title: 'Too many requests',
    text: `More requests are waiting than the app’s web dynos take. ${OWNER}`,
    command: logs(app),
  }),
  H12: (app) => ({
    title: 'Request timeout',
    text: `The app did not answer in time. ${OWNER}`,
    command: logs(app),
  }),
  H14: (app) => ({
    title: 'No web dyno is running',
    text: 'The app has no web dyno. Start one:',
    command: `slipway scale web=1 --app ${app}`,
  }),
  H20: (app) => ({
    title: 'The app is still starting',
    text: `No web dyno was up in time. ${OWNER}`,
    command: logs(app),
  }),
  H22: () => ({
    title: 'Too many connections',
    text: 'More clients are connected to the app than the router takes. Close some of them, then try again.',
    command: '',
  }),
  H26: () => ({ title: 'Bad request', text: 'The router does not take this request.', command: '' }),
  H31: () => otherHost,
  H32: () => otherHost,
  H80: () => ({
    title: 'Offline for maintenance',
    text: 'This application is undergoing maintenance right now. Please check back later.',
    command: '',
  }),
  H81: (app) => ({
    title: 'Nothing here yet',
    text: 'This app has no code so far. Deploy a folder:',
    command: `slipway deploy FOLDER --app ${app}`,
  }),
  H99: () => ({
    title: 'No room for a connection',
    text: 'The router cannot open one more connection: this machine, or its limit of open files, does not allow it.',
    command: '',
  }),
};

const applicationError = (app: string): Words => ({
  title: 'Application error',
  text: `An error occurred in the application and your page could not be served. ${OWNER}`,
  command: logs(app),
});

const STYLE =
  ':root{color-scheme:light dark}body{margin:0;min-height:100vh;display:grid;place-items:center;' +
  'font:16px/1.5 system-ui,sans-serif;background:#f7f7fa;color:#23232b}' +
  'main{max-width:34rem;padding:2rem}h1{font-size:1.5rem;font-weight:600;margin:0 0 .5rem}p{margin:.5rem 0}' +
  'code{font:14px/1.5 ui-monospace,monospace;display:block;padding:.6rem .8rem;border-radius:6px;background:#ebebf2}' +
  'small{color:#6c6c7a}@media(prefers-color-scheme:dark){body{background:#17171c;color:#e8e8ef}code{background:#26262e}small{color:#9a9aa8}}';

/**
 * A page for people, whole and small, without anything from elsewhere (texts: reference heroku-platform 4.6,
 * told for an app on one's own machine).
 */
export function renderErrorPage(page: ErrorPage): string {
  if (page.html !== null) return page.html;
  const words = (WORDS[page.code] ?? applicationError)(page.appName);
  const command = words.command === '' ? '' : `<code>${escape(words.command)}</code>`;
  return (
    '<!doctype html><html lang="en"><head><meta charset="utf-8">' +
    '<meta name="viewport" content="width=device-width,initial-scale=1">' +
    `<title>${escape(words.title)}</title><style>${STYLE}</style></head><body><main>` +
    `<h1>${escape(words.title)}</h1><p>${escape(words.text)}</p>${command}` +
    `<p><small>${page.status} ${escape(page.code)}</small></p></main></body></html>\n`
  );
}

/**
 * Failures that an app's own error page does not stand for: requests that are none, those that came in by another host's
 * connection, and an app that has no code.
 */
const ROUTERS_OWN: ReadonlySet<string> = new Set(['H26', 'H31', 'H32', 'H81']);

/** The page of a failure of an app (reference: heroku-platform 4.6). @param route null when the app is gone */
export function pageOf(key: FailureKey, route: Route | null): ErrorPage {
  const { status, code } = FAILURES[key];
  const { errorPage = null, maintenancePage = null } = route?.rules ?? {};
  const html = code === 'H80' ? maintenancePage : ROUTERS_OWN.has(code) ? null : errorPage;
  return { status: status ?? 503, code, appName: route?.appName ?? '', html };
}

/** The 404 page of a host that is no app. */
export function noSuchApp(host: string): ErrorPage {
  return { status: 404, code: 'no-such-app', appName: bareHost(host), html: null };
}

function escape(text: string): string {
  return text.replace(/[&<>"']/g, (char) => `&#${char.charCodeAt(0)};`);
}
