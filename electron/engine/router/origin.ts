/** How a client's requests came to the router, where that is not plain HTTP/1 on the router's port. */
export interface Origin {
  /** The port on which the client came in. */
  readonly port: number;
  /** As the log says it: `tls1.3`. */
  readonly tls: string;
  /** The client's version of HTTP where it is not that of the request as the router reads it. */
  readonly httpVersion: '2.0' | null;
}
