import { readFileSync } from 'node:fs';
import { homedir } from 'node:os';
import { join } from 'node:path';
import registryUrl from 'registry-url';
import * as z from 'zod';

/** Settings of package managers that say where packages come from; builds get them as they are on this machine. */
const SETTINGS = [
  /^(PIP|UV|POETRY|PDM)_[A-Z0-9_]*(INDEX|REPOSITORIES|MIRROR)[A-Z0-9_]*$/,
  /^(PIP_TRUSTED_HOST|PIP_DEFAULT_TIMEOUT|UV_INSECURE_HOST)$/,
  /^(GOPROXY|GONOPROXY|GOPRIVATE|GOSUMDB|GONOSUMDB|GOINSECURE)$/,
  /^(BUNDLE_MIRROR__[A-Z0-9_]+|COMPOSER_REPO_PACKAGIST|MAVEN_MIRROR_URL)$/,
];

/**
 * What builds have to know of the user's machine: the registries that its settings name, for npm, pip, Go and others. A tool whose
 * registry is not named here uses its own.
 * @param env the engine's environment
 * @param home folder with the user's settings files
 */
export function registrySettings(
  env: Readonly<Record<string, string | undefined>> = process.env,
  home: string = homedir(),
): Record<string, string> {
  const named = Object.entries(env).flatMap(([name, value = '']) =>
    value !== '' && SETTINGS.some((each) => each.test(name)) ? [[name, value] as const] : [],
  );
  return {
    npm_config_registry: registryUrl(),
    ...pipSettings(home),
    ...goSettings(home),
    ...bundlerMirrors(env, home),
    ...composerRepositories(home),
    ...mavenSettings(home),
    ...Object.fromEntries(named),
  };
}

/** pip's `index-url` and `extra-index-url` in its settings files (pip: configuration), the user's before the machine's. */
function pipSettings(home: string): Record<string, string> {
  const files = [
    '/etc/pip.conf',
    join(home, '.pip', 'pip.conf'),
    join(home, 'Library', 'Application Support', 'pip', 'pip.conf'),
    join(home, '.config', 'pip', 'pip.conf'),
  ];
  const found: Record<string, string> = {};
  for (const text of files.map(textOf)) {
    for (const [, name = '', value = ''] of text.matchAll(/^\s*((?:extra-)?index-url)\s*[=:]\s*(\S+)/gm))
      found[`PIP_${name.toUpperCase().replaceAll('-', '_')}`] = value;
  }
  return found;
}

/** What `go env -w` has written of the module proxy. */
function goSettings(home: string): Record<string, string> {
  const files = [
    join(home, 'Library', 'Application Support', 'go', 'env'),
    join(home, '.config', 'go', 'env'),
  ];
  const lines = files.flatMap((file) => textOf(file).split('\n'));
  const settings = lines.flatMap((line) => {
    const [, name = '', value = ''] = /^([A-Z]+)=(\S+)$/.exec(line) ?? [];
    return SETTINGS.some((each) => each.test(name)) ? [[name, value] as const] : [];
  });
  return Object.fromEntries(settings);
}

/**
 * Bundler's mirrors (bundler: config, mirrors). Their names hold URLs, which no variable of a shell can have in its name, so all of
 * them are the text of a settings file.
 */
function bundlerMirrors(
  env: Readonly<Record<string, string | undefined>>,
  home: string,
): Record<string, string> {
  const lines = textOf(join(home, '.bundle', 'config'))
    .split('\n')
    .filter((line) => line.startsWith('BUNDLE_MIRROR__'));
  for (const [name, value = ''] of Object.entries(env))
    if (/^BUNDLE_MIRROR__HTTPS?:/.test(name) && value !== '') lines.push(`${name}: ${JSON.stringify(value)}`);
  return lines.length > 0 ? { SLIPWAY_BUNDLE_CONFIG: lines.join('\n') } : {};
}

const ComposerConfig = z.object({ repositories: z.unknown().optional() });

/** The repositories of Composer's settings file of the user, as a settings file of their own (composer: config, repositories). */
function composerRepositories(home: string): Record<string, string> {
  for (const folder of [join(home, '.config', 'composer'), join(home, '.composer')]) {
    const parsed = ComposerConfig.safeParse(jsonOf(textOf(join(folder, 'config.json'))));
    if (parsed.success && parsed.data.repositories !== undefined)
      return { SLIPWAY_COMPOSER_CONFIG: JSON.stringify(parsed.data) };
  }
  return {};
}

/** The mirror that Maven's settings file names for its registry (Maven: settings, mirrors). */
function mavenSettings(home: string): Record<string, string> {
  const text = textOf(join(home, '.m2', 'settings.xml')).replace(/<!--[^]*?-->/g, '');
  for (const [, mirror = ''] of text.matchAll(/<mirror>([^]*?)<\/mirror>/g)) {
    const of = /<mirrorOf>([^<]*)<\/mirrorOf>/.exec(mirror)?.[1] ?? '';
    const url = /<url>\s*([^<\s]+)\s*<\/url>/.exec(mirror)?.[1];
    const names = of.split(',').map((name) => name.trim());
    const covers = names.some((name) => ['*', 'external:*', 'central'].includes(name));
    if (url !== undefined && covers && !names.includes('!central'))
      return { MAVEN_MIRROR_URL: url.replaceAll('&amp;', '&') };
  }
  return {};
}

/** What the text holds; nothing when it is no JSON. */
function jsonOf(text: string): unknown {
  try {
    return JSON.parse(text);
  } catch {
    return undefined;
  }
}

function textOf(file: string): string {
  try {
    return readFileSync(file, 'utf8');
  } catch {
    return '';
  }
}
