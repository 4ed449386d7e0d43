/** Scheme of the UI's own pages; nothing else is ever loaded in a window. */
export const UI_SCHEME = 'slipway-ui';
const UI_HOST = 'app';
/** Origin of the UI's own pages. */
export const UI_ORIGIN = `${UI_SCHEME}://${UI_HOST}`;

/** Whether a URL belongs to the UI: parsed, never compared by its beginning. */
export function isOwnUrl(text: string): boolean {
  const url = parseUrl(text);
  return (
    url !== null &&
    url.protocol === `${UI_SCHEME}:` &&
    url.hostname === UI_HOST &&
    url.port === '' &&
    url.username === '' &&
    url.password === ''
  );
}

/** The URL, or null when the text is none. */
export function parseUrl(text: string): URL | null {
  return URL.canParse(text) ? new URL(text) : null;
}
