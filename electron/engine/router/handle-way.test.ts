import { expect, test, vi } from 'vitest';
import { POLLER } from './poller.ts';
import './bodies.test.ts';
import './codes.test.ts';
import './conformance.test.ts';
import './connections.test.ts';
import './passing.test.ts';
import './proxy.test.ts';
import './upgrade.test.ts';

/** All rules once more without the system's own calls, as macOS and Windows have the router. */
vi.mock('./system-calls.ts', () => ({ SYSTEM_CALLS: null }));

test('there is no poller', () => {
  expect(POLLER).toBeNull();
});
