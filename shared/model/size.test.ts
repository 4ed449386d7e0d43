import { expect, test } from 'vitest';
import { DYNO_SIZES, DynoSizeName, findSize, memoryOn, sizeText } from './size.ts';

const texts = (machineMiB: number): string[] => DYNO_SIZES.map((size) => sizeText(size, machineMiB));

test('a size above the machine says what the machine has', () => {
  expect(texts(7_986.4)).toEqual([
    'Eco, 512 MB',
    'Basic, 512 MB',
    'Standard-1X, 512 MB',
    'Standard-2X, 1 GB',
    'Performance-M, 2.5 GB',
    'Performance-L, 14 GB, this machine has 7.8 GB',
    'Performance-L-RAM, 30 GB, this machine has 7.8 GB',
    'Performance-XL, 62 GB, this machine has 7.8 GB',
    'Performance-2XL, 126 GB, this machine has 7.8 GB',
  ]);
  expect(texts(400)[0]).toBe('Eco, 512 MB, this machine has 400 MB');
  expect(texts(129_024).filter((text) => text.includes('machine'))).toEqual([]);
});

test('a dyno gets its quota, or what there is, in whole MiB', () => {
  const large = findSize('PERFORMANCE-L');
  if (large === undefined) throw new Error('no such size');
  expect([memoryOn(7_986.4, large), memoryOn(14_336, large), memoryOn(1e6, large)]).toEqual([
    7_986, 14_336, 14_336,
  ]);
});

test('names in any case; one that does not exist is refused with those that do', () => {
  expect(DynoSizeName.parse('standard-2x')).toBe('Standard-2X');
  expect(DynoSizeName.safeParse('huge').error?.issues[0]?.message).toMatch(
    /no dyno size "huge"; sizes are Eco, /,
  );
});
