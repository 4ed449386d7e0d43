import { appendFileSync, readFileSync, statSync, truncateSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { describe, expect, it } from 'vitest';
import { brief, entry, filesOf, lineEntries, startLogplex, temporaryFolder } from './testing.ts';

const APP = 'app-1';
const all = {};

describe('damage', () => {
  it('cuts off a write that did not complete, whatever is left of it', async () => {
    const folder = temporaryFolder();
    const before = await startLogplex(folder);
    before.logplex.append(APP, lineEntries(2), { dynoId: 'a', position: '2' });
    await before.logplex.sync();
    const [file = ''] = filesOf(join(folder, APP));
    const whole = statSync(file).size;
    before.logplex.append(APP, lineEntries(2, 3), { dynoId: 'a', position: '4' });
    await before.logplex.close();
    const bytes = readFileSync(file);
    for (let size = whole; size < bytes.length; size += 3) {
      writeFileSync(file, bytes);
      truncateSync(file, size);
      const { logplex, clock } = await startLogplex(folder);
      expect(logplex.cursors(APP).get('a')).toBe('2');
      logplex.append(APP, [entry('new')]);
      clock.advance(10);
      expect(brief(logplex.recent(APP, all, 9))).toEqual(['1:line 1', '2:line 2', '3:new']);
      await logplex.close();
    }
  });

  it('cuts off rubbish at the end, zeros too', async () => {
    for (const rubbish of [
      Buffer.alloc(5_000),
      Buffer.from([0xff, 0x53, 0x4c, 0xfe, 1, 2, 3]),
      Buffer.from('text\n'),
    ]) {
      const folder = temporaryFolder();
      const before = await startLogplex(folder);
      before.logplex.append(APP, lineEntries(1));
      await before.logplex.close();
      const [file = ''] = filesOf(join(folder, APP));
      const { size } = statSync(file);
      appendFileSync(file, rubbish);
      const { logplex, clock } = await startLogplex(folder);
      expect(logplex.recent(APP, all, 1)).toHaveLength(1);
      expect(statSync(file).size).toBe(size);
      logplex.append(APP, [entry('new')]);
      clock.advance(10);
      await logplex.close();
      expect(brief((await startLogplex(folder)).logplex.recent(APP, all, 9))).toEqual(['1:line 1', '2:new']);
    }
  });

  it('begins a new file when the newest holds nothing', async () => {
    for (const content of ['', 'not a segment of ours']) {
      const folder = temporaryFolder();
      const before = await startLogplex(folder);
      before.logplex.append(APP, lineEntries(1), { dynoId: 'a', position: '1' });
      await before.logplex.close();
      writeFileSync(join(folder, APP, '00000002.log'), content);
      const { logplex, clock } = await startLogplex(folder);
      logplex.append(APP, [entry('new')]);
      clock.advance(10);
      await logplex.close();
      const after = await startLogplex(folder);
      expect(brief(after.logplex.recent(APP, all, 9))).toEqual(['1:line 1', '2:new']);
      expect(after.logplex.cursors(APP).get('a')).toBe('1');
    }
  });

  it('passes over a damaged place in the middle and shows it as a gap', async () => {
    const folder = temporaryFolder();
    const before = await startLogplex(folder);
    for (let count = 1; count <= 5; count += 1) {
      before.logplex.append(APP, lineEntries(1, count));
      before.clock.advance(10);
    }
    await before.logplex.close();
    const [file = ''] = filesOf(join(folder, APP));
    const bytes = readFileSync(file);
    bytes.write('LINE', bytes.indexOf('line 3'));
    writeFileSync(file, bytes);
    const { logplex } = await startLogplex(folder);
    expect(brief(logplex.recent(APP, all, 9))).toEqual([
      '1:line 1',
      '2:line 2',
      'gap dropped 1',
      '4:line 4',
      '5:line 5',
    ]);
  });
});
