import { createHash } from 'node:crypto';

/** The stack that is made here; its images are Debian trixie (13). */
export const STACK = 'slipway-13';
/** Debian release below the images. */
export const DEBIAN = 'trixie';

/** Images of other stacks, by stack: fetched when an app wants one (reference: heroku-platform 2.6). */
export const FETCHED_STACKS: Readonly<Record<string, { readonly run: string; readonly build: string }>> = {
  'heroku-24': { run: 'heroku/heroku:24', build: 'heroku/heroku:24-build' },
  'heroku-22': { run: 'heroku/heroku:22', build: 'heroku/heroku:22-build' },
};

/** What the images of a stack are called here. */
const localName = (stack: string): string => (stack === STACK ? stack : `slipway-${stack}`);

/** Image that dynos of a stack run in, and image that builds run in. */
export const runImage = (stack: string): string => `${localName(stack)}:latest`;
export const buildImage = (stack: string): string => `${localName(stack)}-build:latest`;
/** The same before the machine's certificates are in them. */
export const runPackages = (stack: string): string => `${localName(stack)}:packages`;
export const buildPackages = (stack: string): string => `${localName(stack)}-build:packages`;

/** Where the start script of dynos is in the run image; its argument is the command. */
export const DYNO_START = '/usr/local/libexec/slipway-dyno';

/** Folder for downloads shared by all builds. */
export const DOWNLOADS = '/var/cache/slipway';

/** Number of the unprivileged user and group in all containers. */
export const DYNO_UID = 1000;

const RUN_PACKAGES =
  'bzip2 ca-certificates curl file gzip iputils-ping jq less libcurl4t64 libexpat1 libffi8 libgmp10 libgomp1 libicu76 ' +
  'libjpeg62-turbo libmariadb3 libonig5 libpng16-16t64 libpq5 libreadline8t64 libsodium23 libsqlite3-0 libstdc++6 ' +
  'libxml2 libxslt1.1 libyaml-0-2 libzip5 nano netcat-openbsd openssl procps tar tzdata unzip xz-utils zstd';
const BUILD_PACKAGES =
  'autoconf automake bison build-essential gettext-base git libbz2-dev libcurl4-openssl-dev libexpat1-dev libffi-dev ' +
  'libgmp-dev libicu-dev libjpeg-dev liblzma-dev libmariadb-dev libncurses-dev libonig-dev libpng-dev libpq-dev ' +
  'libreadline-dev libsodium-dev libsqlite3-dev libssl-dev libtool libxml2-dev libxslt1-dev libyaml-dev libzip-dev ' +
  'openssh-client patch pkg-config python3 python3-dev rsync uuid-dev wget zip zlib1g-dev';

/** Start of a dyno: profile scripts, then the command (reference: heroku-platform 2.3). */
const START_SCRIPT = `#!/bin/bash
slipway_command=$1
set --
cd /app
shopt -s nullglob
for slipway_file in /etc/profile.d/*.sh /app/.profile.d/*.sh; do
  [ -r "$slipway_file" ] && . "$slipway_file"
done
unset slipway_file
shopt -u nullglob
[ -r /app/.profile ] && . /app/.profile
exec bash -c "$slipway_command"
`;

const install = (packages: string): string => `set -e
export DEBIAN_FRONTEND=noninteractive
printf '%s\\n' 'path-exclude /usr/share/doc/*' 'path-exclude /usr/share/man/*' 'path-exclude /usr/share/info/*' \\
  'path-include /usr/share/doc/*/copyright' > /etc/dpkg/dpkg.cfg.d/slipway
apt-get update
apt-get install -y --no-install-recommends ${packages}
apt-get clean
rm -rf /var/lib/apt/lists/* /var/cache/apt/* /var/cache/debconf/*-old /var/log/*.log /var/log/apt/* /tmp/*
`;

const INSTALL_START = `install -d -m 0755 "$(dirname ${DYNO_START})"
cat > ${DYNO_START} <<'END'
${START_SCRIPT}END
chmod 0755 ${DYNO_START}
`;

/** Programs that builds need of the engine's own, besides those of every Linux. */
const TOOLS = 'tar zstd setsid xargs sha256sum';

/**
 * Made as root in containers of a fetched stack's images: user and folders of dynos, the start script, and the programs that builds
 * need, where they are missing.
 */
export const FETCHED_SETUP = `set -e
getent group ${String(DYNO_UID)} > /dev/null || groupadd --gid ${String(DYNO_UID)} dyno
getent passwd ${String(DYNO_UID)} > /dev/null || useradd --uid ${String(DYNO_UID)} --gid ${String(DYNO_UID)} --home-dir /app --no-create-home --shell /bin/bash dyno
install -d -o ${String(DYNO_UID)} -g ${String(DYNO_UID)} -m 0755 /app ${DOWNLOADS}
${INSTALL_START}missing=
for tool in ${TOOLS}; do command -v "$tool" > /dev/null || missing="$missing $tool"; done
[ -z "$missing" ] && exit 0
echo "programs are missing:$missing"
apt-get update
DEBIAN_FRONTEND=noninteractive apt-get install -y --no-install-recommends coreutils findutils tar util-linux zstd
`;

/** Made as root in a container of the Debian base. */
export const RUN_SETUP = `${install(RUN_PACKAGES)}
getent group dyno > /dev/null || groupadd --gid ${String(DYNO_UID)} dyno
getent passwd dyno > /dev/null || useradd --uid ${String(DYNO_UID)} --gid dyno --home-dir /app --no-create-home --shell /bin/bash dyno
install -d -o dyno -g dyno -m 0755 /app ${DOWNLOADS}
${INSTALL_START}`;

/** Made as root in a container of what \`RUN_SETUP\` left. */
export const BUILD_SETUP = install(BUILD_PACKAGES);

/** Environment of a stack's images, before certificates. */
export const imageEnvironment = (stack: string): Readonly<Record<string, string>> => ({
  PATH: '/usr/local/bin:/usr/bin:/bin',
  HOME: '/app',
  LANG: 'C.UTF-8',
  STACK: stack,
});

/** Names the recipe of the packages; images with another one are made anew. */
export const RECIPE = digest([DEBIAN, RUN_SETUP, BUILD_SETUP, imageEnvironment(STACK)]);

/** The same for images of a fetched stack. @param bases ids of what was fetched */
export const fetchedRecipe = (stack: string, bases: readonly string[]): string =>
  digest([FETCHED_SETUP, imageEnvironment(stack), ...bases]);

function digest(parts: readonly unknown[]): string {
  return createHash('sha256').update(JSON.stringify(parts)).digest('hex').slice(0, 16);
}
