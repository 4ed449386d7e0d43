/** What a browser sees that did not come by a start URL. */
export function noSessionPage(): string {
  return `<!doctype html>
<html lang="en">
<meta charset="utf-8">
<meta name="color-scheme" content="light dark">
<title>Slipway</title>
<h1>This browser has no key to Slipway yet</h1>
<p>Open the address that Slipway printed when it started (the one with <code>?token=</code>), or ask for a new one:</p>
<pre>npm run slipway -- open</pre>
</html>
`;
}
