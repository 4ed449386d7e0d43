import { expect, test } from 'vitest';
import { newRequestId } from './request-id.ts';

test('ids of requests are random UUIDs of version 4, in lower case, and none comes twice', () => {
  const ids = Array.from({ length: 2000 }, newRequestId);
  for (const id of ids)
    expect(id).toMatch(/^[0-9a-f]{8}-[0-9a-f]{4}-4[0-9a-f]{3}-[89ab][0-9a-f]{3}-[0-9a-f]{12}$/);
  expect(new Set(ids).size).toBe(ids.length);
  // Every digit that chance decides takes every value.
  for (const at of [0, 7, 9, 15, 20, 24, 35]) expect(new Set(ids.map((id) => id[at])).size).toBe(16);
});
