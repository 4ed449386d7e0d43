/** Times in milliseconds and sizes that the router keeps. Source of the figures: reference heroku-platform 4.1 to 4.3. */
export interface RouterLimits {
  /** One attempt to connect to a dyno. */
  readonly connectMs: number;
  /** How long a dyno that could not be reached is left alone. */
  readonly quarantineMs: number;
  /** Longest wait for a dyno: boot, and all dynos in quarantine. */
  readonly holdMs: number;
  /** From the whole request sent to the head of the response. */
  readonly firstByteMs: number;
  /** Longest silence in both directions. */
  readonly idleMs: number;
  /** How long an idle connection of a client is kept. */
  readonly clientKeepAliveMs: number;
  /** Longest time for a client to send the head of a request. */
  readonly headMs: number;
  /** How long an idle connection to a dyno is kept. Below the 5 s after which a Node server closes it. */
  readonly poolIdleMs: number;
  /** Same, for a request that may not be sent twice; a connection used a moment ago is hardly being closed. */
  readonly poolIdleOnceMs: number;
  /** After an early answer: how long the rest of a request's body is read and dropped. */
  readonly lingerMs: number;
  /** How long `close` waits for requests in flight. */
  readonly closeMs: number;
  /** Most attempts to connect for one request. */
  readonly connectAttempts: number;
  /** Most requests in flight of one app for each of its web dynos. */
  readonly backlogPerDyno: number;
  /** Most connections of clients to one app. A stream of HTTP/2 is one. Ours: the platform names no figure. */
  readonly clientConnections: number;
  /** Most bytes of a request's body that are remembered for a second try, or while no dyno has the request. */
  readonly replayBytes: number;
  /** Most bytes of a response that wait for the client before the dyno has to. */
  readonly responseBufferBytes: number;
  /** Most bytes of a request that wait for the dyno before the client has to. */
  readonly requestBufferBytes: number;
  /** Most bytes of requests behind the one being answered that are taken from a client. */
  readonly pipelineBytes: number;
}

/** What the platform does. */
export const ROUTER_LIMITS: RouterLimits = {
  connectMs: 5_000,
  quarantineMs: 5_000,
  holdMs: 75_000,
  firstByteMs: 30_000,
  idleMs: 55_000,
  clientKeepAliveMs: 60_000,
  headMs: 60_000,
  poolIdleMs: 4_000,
  poolIdleOnceMs: 1_000,
  lingerMs: 5_000,
  closeMs: 5_000,
  connectAttempts: 10,
  backlogPerDyno: 200,
  clientConnections: 20_000,
  replayBytes: 64 * 1024,
  responseBufferBytes: 1024 * 1024,
  requestBufferBytes: 256 * 1024,
  pipelineBytes: 64 * 1024,
};

/** Largest pieces of a request's head, in bytes and pieces (reference: heroku-platform 4.3). */
export const REQUEST_LINE_MAX = 8192;
export const HEADER_LINE_MAX = 8192;
export const HEADER_NAME_MAX = 1000;
export const HEADERS_MAX = 1000;
export const METHOD_MAX = 127;
/** All of a request's head together. Ours: the platform names no sum. */
export const REQUEST_HEAD_MAX = 256 * 1024;

/** Longest extension of a chunk and longest trailer section, in bytes. Ours: the platform names none. */
export const CHUNK_LINE_MAX = 1024;
export const TRAILERS_MAX = 16 * 1024;
/** Most interim answers before an answer. Ours. */
export const INTERIM_MAX = 16;

/** Largest pieces of a response's head, in bytes (reference: heroku-platform 4.3). */
export const RESPONSE_LINE_MAX = 8192;
export const RESPONSE_HEADER_MAX = 512 * 1024;
export const RESPONSE_COOKIE_MAX = 8192;
/** All of a response's head together. Ours. */
export const RESPONSE_HEAD_MAX = 1024 * 1024;
