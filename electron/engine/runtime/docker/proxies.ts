/** Proxies of this machine, for what runs in containers; one on the loopback cannot be reached from there. */
export function proxyVariables(): Record<string, string> {
  return Object.fromEntries(
    ['http_proxy', 'https_proxy', 'no_proxy'].flatMap((name): [string, string][] => {
      const value = process.env[name] ?? process.env[name.toUpperCase()];
      return value === undefined || /localhost|127\.0\.0\.|\[::1\]/.test(value) ? [] : [[name, value]];
    }),
  );
}
