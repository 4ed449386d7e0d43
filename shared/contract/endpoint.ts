import type * as z from 'zod';

/** A question with one answer. */
export interface CallEndpoint<Input extends z.ZodType = z.ZodType, Output extends z.ZodType = z.ZodType> {
  readonly kind: 'call';
  readonly input: Input;
  readonly output: Output;
}

/** A question with a row of answers that ends when either side says so. */
export interface StreamEndpoint<Input extends z.ZodType = z.ZodType, Item extends z.ZodType = z.ZodType> {
  readonly kind: 'stream';
  readonly input: Input;
  readonly item: Item;
}

export type Endpoint = CallEndpoint | StreamEndpoint;

/** Declares a call: what goes in, what comes out. */
export function call<Input extends z.ZodType, Output extends z.ZodType>(
  input: Input,
  output: Output,
): CallEndpoint<Input, Output> {
  return { kind: 'call', input, output };
}

/** Declares a stream: what goes in, what each item is. */
export function stream<Input extends z.ZodType, Item extends z.ZodType>(
  input: Input,
  item: Item,
): StreamEndpoint<Input, Item> {
  return { kind: 'stream', input, item };
}
