import * as z from 'zod';
import { ErrorData } from '../errors.ts';

const Id = z.string().min(1).max(64);

/** What a client sends. Ids are the client's; it listens before it asks, so that nothing is missed. */
export const ClientFrame = z.discriminatedUnion('t', [
  z.object({ t: z.literal('call'), id: Id, name: z.string().max(64), input: z.unknown() }),
  z.object({
    t: z.literal('open'),
    id: Id,
    name: z.string().max(64),
    input: z.unknown(),
    credit: z.number().int().min(1).max(10_000),
  }),
  /** The stream may send so many more items. */
  z.object({ t: z.literal('ack'), id: Id, count: z.number().int().min(1).max(10_000) }),
  /** The answer, or the rest of the stream, is not wanted any more. */
  z.object({ t: z.literal('cancel'), id: Id }),
]);
export type ClientFrame = z.infer<typeof ClientFrame>;

/** What an engine sends. */
export const ServerFrame = z.discriminatedUnion('t', [
  z.object({ t: z.literal('value'), id: Id, value: z.unknown() }),
  z.object({ t: z.literal('error'), id: Id, error: ErrorData }),
  z.object({ t: z.literal('items'), id: Id, items: z.array(z.unknown()) }),
  z.object({ t: z.literal('end'), id: Id }),
]);
export type ServerFrame = z.infer<typeof ServerFrame>;

/** One end of a connection that carries frames in order; what is received is not checked yet. */
export interface Transport {
  send(frame: ClientFrame | ServerFrame): void;
  /** To be set once, before anything is sent. */
  receive(onFrame: (frame: unknown) => void, onClose: () => void): void;
  close(): void;
}

/** Items that a stream may send before they are acknowledged. */
export const STREAM_WINDOW = 1_024;
/** Most items in one frame. */
export const MAX_BATCH = 256;
