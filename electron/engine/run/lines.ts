/** What the platform logs of one-off dynos beyond the lines of every dyno (reference: heroku-platform 3.1, 3.10, 5.4). */
export const runLine = {
  ordered: (command: string, user: string): string =>
    `Starting process with command \`${command}\` by user ${user}`,
  /** Ours: the platform does not say it. */
  orderedInside: (command: string, dyno: string, user: string): string =>
    `Starting process with command \`${command}\` inside ${dyno} by user ${user}`,
  hangUp: (): string => 'Client connection closed. Sending SIGHUP to all processes',
  detached: (): string =>
    'Error R16 (Detached) -> An attached process is not responding to SIGHUP after its external connection was closed.',
  cycling: (): string => 'Cycling',
  /** Ours: the dyno went without a trace while no engine ran. */
  lost: (): string => 'Error R99 (Platform error) -> The dyno was gone when Slipway started again',
};
