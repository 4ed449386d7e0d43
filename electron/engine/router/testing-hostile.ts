/** A request that is meant to mean two things to two readers. `{id}` stands for a number that its paths carry. */
export interface HostileRequest {
  readonly name: string;
  readonly text: string;
}

const SMUGGLED = 'GET /smuggled{id} HTTP/1.1\r\nHost: demo.localhost\r\n\r\n';
const HOST = 'Host: demo.localhost\r\n';

const LENGTHS = [
  ...[
    'Content-Length: 5',
    'Content-Length: 0',
    'Content-Length: 05',
    'Content-Length: +5',
    'Content-Length: 5, 5',
  ],
  ...[
    'Content-Length: 5,6',
    'Content-Length: 0x5',
    'Content-Length: 5 ',
    'Content-Length:\t5',
    'Content-Length: 5;a',
  ],
  ...[
    'Content-Length : 5',
    ' Content-Length: 5',
    'Content_Length: 5',
    'Content-Length: -1',
    'Content-Length: 5e0',
  ],
  ...[
    'Content-Length: 18446744073709551621',
    'content-length: 5\r\nContent-Length: 6',
    'Content-Length: "5"',
  ],
  ...[
    'Content-Length:\r\n 5',
    'Content-Length: 5\0',
    'Content-Length\0: 5',
    'Content-Length: 5\rX: y',
    'Content-Length: 5\nX: y',
  ],
];
const CODINGS = [
  ...[
    'Transfer-Encoding: chunked',
    'transfer-encoding: CHUNKED',
    'Transfer-Encoding: xchunked',
    'Transfer-Encoding : chunked',
  ],
  ...[
    'Transfer-Encoding: chunked, identity',
    'Transfer-Encoding: identity, chunked',
    'Transfer-Encoding: gzip, chunked',
  ],
  ...[
    'Transfer-Encoding:\tchunked',
    'Transfer-Encoding: \vchunked',
    'Transfer-Encoding: chunked\r\nTransfer-Encoding: x',
  ],
  ...[
    'Transfer-Encoding: x\r\nTransfer-Encoding: chunked',
    ' Transfer-Encoding: chunked',
    'X: y\rTransfer-Encoding: chunked',
  ],
  ...['X: y\nTransfer-Encoding: chunked', 'Transfer-Encoding:\r\n chunked', 'Transfer_Encoding: chunked'],
  ...[
    'Transfer-Encoding: "chunked"',
    'Transfer-Encoding: chunked;q=1',
    'Transfer\0-Encoding: chunked',
    'TE: chunked',
  ],
  ...[
    'Transfer-Encoding\t: chunked',
    'Transfer-Encoding: ',
    'Transfer-Encoding: chunked\0',
    'Transfer-Encoding: chunKed\x0b',
  ],
];
const BODIES = [
  `0\r\n\r\n${SMUGGLED}`,
  `5\r\nhello\r\n0\r\n\r\n${SMUGGLED}`,
  `hello${SMUGGLED}`,
  `${SMUGGLED.length.toString(16)}\r\n${SMUGGLED}\r\n0\r\n\r\n`,
];
const CHUNKS = [
  ...[
    '5 \r\nhello',
    ' 5\r\nhello',
    '+5\r\nhello',
    '-5\r\nhello',
    '0x5\r\nhello',
    '5\nhello',
    '5\r\r\nhello',
    '5\r\nhello\n0',
    '5;\r\nhello',
  ],
  ...[
    '5;a\r\nhello',
    '5;a=b\r\nhello',
    '5;a="\r\n"\r\nhello',
    '5;\nhello\r\n0\r\n\r\n',
    '05\r\nhello',
    '000005\r\nhello',
  ],
  ...[
    'FFFFFFFFFFFFFFFF5\r\nhello',
    '100000005\r\nhello',
    '5\t\r\nhello',
    '5\r\nhelloX',
    '5\r\nhell',
    '\r\nhello',
    'g\r\nhello',
    '5\0\r\nhello',
  ],
  ...[
    '5\rhello',
    '5;a\rb\r\nhello',
    '5;a\nb\r\nhello',
    '5\r\nhello\r0\r\n',
    '5\r\nhello\r\n\r\n',
    '00\r\n\r\n',
    '0 \r\n\r\n',
    '0;x\r\n\r\n',
  ],
];
const TRAILERS = [
  ...[
    'A: b',
    'Content-Length: 100',
    'Transfer-Encoding: chunked',
    'Host: else',
    'A : b',
    ' A: b',
    'A',
    'A: b\nB: c',
    'A: \0',
    ': b',
    'A: b\r\n c',
  ],
];
const LINES = [
  ...[
    'GET /c{id} HTTP/1.1\nX: y',
    'GET /c{id}\tHTTP/1.1',
    'GET  /c{id} HTTP/1.1',
    'GET /c{id}  HTTP/1.1',
    'GET /c{id} HTTP/1.1 ',
    ' GET /c{id} HTTP/1.1',
  ],
  ...[
    'GET /c{id} HTTP/1.2',
    'GET /c{id} HTTP/2.0',
    'GET /c{id} HTTP/0.9',
    'GET /c{id}',
    'GET /c{id} http/1.1',
    'GET /c{id} HTTP/1.1\r',
    'GET /c{id} HTTP/1,1',
  ],
  ...[
    'GET /c{id}\0 HTTP/1.1',
    'GET /c{id} HTTP/1.1\0',
    'G\0T /c{id} HTTP/1.1',
    'GET /c{id}\rGET /smuggled{id} HTTP/1.1',
    'GET /c{id} /smuggled{id} HTTP/1.1',
  ],
  ...[
    'GET /c{id}\x7f HTTP/1.1',
    'GET /c{id}#x HTTP/1.1',
    'GET c{id} HTTP/1.1',
    'GET http://else/c{id} HTTP/1.1',
    'GET demo.localhost:80 HTTP/1.1',
    '\r\n\r\n\r\nGET /c{id} HTTP/1.1',
  ],
  ...[
    'GET /c{id} HTTP/1.1\r\nX: y\r\n\r',
    'GET //c{id} HTTP/1.1',
    'GET /../c{id} HTTP/1.1',
    'GET /%00c{id} HTTP/1.1',
    'GET /c{id}?a=b c HTTP/1.1',
    'G{T /c{id} HTTP/1.1',
    '"GET" /c{id} HTTP/1.1',
  ],
];
const HEADERS = [
  ...[
    'X',
    ': y',
    'X : y',
    ' X: y',
    '\tX: y',
    'X: y\r\n z',
    'X: y\r\n\tz',
    'X: y\0',
    'X\0: y',
    'X: y\rZ: w',
    'X: y\nZ: w',
    'X: \x01',
    'X: \x7f',
    'X(: y',
    'X y: z',
  ],
  ...[
    'Host: demo.localhost',
    'Host: else',
    'host: else.localhost',
    'Host : else',
    ' Host: else',
    'Host:\r\n else',
    'X: y\r\r\nZ: w',
    'X: y\r\n\r',
    'X;: y',
    'X=y',
    '\0: y',
    'X: \xff\xfe',
    'X[]: y',
  ],
];

/** Hostile requests: every doubtful way to tell a length with every kind of body, and every doubtful line (RFC 9112, 11.2). */
export function hostileRequests(): HostileRequest[] {
  const list: [string, string][] = [];
  const post = (headers: string, body: string): string =>
    `POST /c{id} HTTP/1.1\r\n${HOST}${headers}\r\n\r\n${body}`;
  for (const [kind, body] of BODIES.entries()) {
    for (const line of LENGTHS) list.push([`${line} body ${kind}`, post(line, body)]);
    for (const line of CODINGS) list.push([`${line} body ${kind}`, post(line, body)]);
  }
  for (const line of CODINGS) {
    list.push([`length, then ${line}`, post(`Content-Length: 5\r\n${line}`, BODIES[0] ?? '')]);
    list.push([`${line}, then length`, post(`${line}\r\nContent-Length: 44`, BODIES[1] ?? '')]);
  }
  for (const chunk of CHUNKS)
    list.push([`chunk ${chunk}`, post('Transfer-Encoding: chunked', `${chunk}\r\n0\r\n\r\n${SMUGGLED}`)]);
  for (const line of TRAILERS)
    list.push([`trailer ${line}`, post('Transfer-Encoding: chunked', `0\r\n${line}\r\n\r\n${SMUGGLED}`)]);
  for (const line of LINES) list.push([line, `${line}\r\n${HOST}\r\n`]);
  for (const line of HEADERS) {
    list.push([`header ${line}`, `GET /c{id} HTTP/1.1\r\n${HOST}${line}\r\n\r\n`]);
    list.push([`first header ${line}`, `GET /c{id} HTTP/1.1\r\n${line}\r\n${HOST}\r\n`]);
    list.push([`header ${line} with HTTP/1.0`, `GET /c{id} HTTP/1.0\r\n${HOST}${line}\r\n\r\n`]);
  }
  return list.map(([name, text], id) => ({
    name: JSON.stringify(name),
    text: text.replaceAll('{id}', `-${id}-`),
  }));
}
