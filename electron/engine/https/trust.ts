import type { TrustStep } from '#shared/model/https.ts';

/** The authority as the commands name it. */
export interface TrustedFile {
  readonly path: string;
  /** SHA-1 of the certificate in hex without colons, by which some systems find it again. */
  readonly sha1: string;
}

/** Name under which stores list the authority. */
const NAME = 'Slipway local authority';

/** What a person can do on a system to have the authority trusted, the narrowest first. */
export function trustSteps(platform: NodeJS.Platform, file: TrustedFile): TrustStep[] {
  return [oneProgram(platform, file), ...systemSteps(platform, file), firefox(file)];
}

function oneProgram(platform: NodeJS.Platform, { path }: TrustedFile): TrustStep {
  const node =
    platform === 'win32' ? `set NODE_EXTRA_CA_CERTS=${path}` : `export NODE_EXTRA_CA_CERTS=${quoted(path)}`;
  const file = platform === 'win32' ? `"${path}"` : quoted(path);
  return {
    title: 'One program alone',
    note: 'curl for one call, Node.js in one terminal.',
    commands: [`curl --cacert ${file} https://APP.localhost:PORT/`, node],
    undo: [],
  };
}

function systemSteps(platform: NodeJS.Platform, { path, sha1 }: TrustedFile): TrustStep[] {
  if (platform === 'darwin') {
    const keychain = '~/Library/Keychains/login.keychain-db';
    return [
      {
        title: 'Your account on this Mac: Safari, Chrome, curl',
        note: 'macOS asks for your password.',
        commands: [`security add-trusted-cert -r trustRoot -p ssl -k ${keychain} ${quoted(path)}`],
        undo: [
          `security remove-trusted-cert ${quoted(path)}`,
          `security delete-certificate -Z ${sha1} ${keychain}`,
        ],
      },
    ];
  }
  if (platform === 'win32') {
    return [
      {
        title: 'Your account on this PC: Edge, Chrome, curl',
        note: 'Windows shows the fingerprint and asks.',
        commands: [`certutil -user -addstore Root "${path}"`],
        undo: [`certutil -user -delstore Root ${sha1}`],
      },
    ];
  }
  const database = 'sql:$HOME/.pki/nssdb';
  return [
    {
      title: 'Chromium and Chrome of your account',
      note: 'certutil is in the package libnss3-tools (Debian, Ubuntu) or nss-tools (Fedora).',
      commands: [
        `mkdir -p "$HOME/.pki/nssdb"`,
        `certutil -d ${database} -A -t C,, -n '${NAME}' -i ${quoted(path)}`,
      ],
      undo: [`certutil -d ${database} -D -n '${NAME}'`],
    },
    {
      title: 'The whole system on Debian and Ubuntu: curl, Python, Ruby',
      commands: [
        `sudo cp ${quoted(path)} /usr/local/share/ca-certificates/slipway.crt`,
        'sudo update-ca-certificates',
      ],
      undo: ['sudo rm /usr/local/share/ca-certificates/slipway.crt', 'sudo update-ca-certificates --fresh'],
    },
    {
      title: 'The whole system on Fedora, RHEL and Arch',
      commands: [`sudo trust anchor --store ${quoted(path)}`],
      undo: [`sudo trust anchor --remove ${quoted(path)}`],
    },
  ];
}

function firefox({ path }: TrustedFile): TrustStep {
  return {
    title: 'Firefox',
    note: `Settings, Privacy & Security, View Certificates, Authorities, Import: ${path}, “Trust this CA to identify websites”. To take it back, delete “Slipway local authority” in the same list.`,
    commands: [],
    undo: [],
  };
}

/** A word of a POSIX shell. */
function quoted(text: string): string {
  return /^[\w@%+=:,./-]+$/.test(text) ? text : `'${text.replaceAll("'", "'\\''")}'`;
}
