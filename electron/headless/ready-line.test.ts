import { expect, test } from 'vitest';
import { readyLine } from './ready-line.ts';

const engine = {
  routerPort: 7080,
  routerTlsUrl: 'https://localhost:7443',
  runtimeKind: 'process' as const,
  home: { folder: '/data of mine' },
};

test('a host without a window tells the address of the UI', () => {
  expect(readyLine(engine, 7081, 'http://localhost:7081/#key')).toBe(
    'Slipway ready ui=http://localhost:7081/#key api=http://localhost:7081 router=http://localhost:7080 ' +
      'https=https://localhost:7443 runtime=process home=/data of mine',
  );
});

test('one with a window tells the rest, and HTTPS only where it is on', () => {
  expect(readyLine(engine, 7081, null)).toBe(
    'Slipway ready api=http://localhost:7081 router=http://localhost:7080 https=https://localhost:7443 ' +
      'runtime=process home=/data of mine',
  );
  expect(readyLine({ ...engine, routerTlsUrl: null }, 7081, null)).toBe(
    'Slipway ready api=http://localhost:7081 router=http://localhost:7080 runtime=process home=/data of mine',
  );
});
