import { afterEach, describe, expect, it, vi } from 'vitest';
import { Quitting } from './quitting.ts';

function make(dynosUp: number, answer: 'stop' | 'keep' | null): { quitting: Quitting; done: string[] } {
  const done: string[] = [];
  const quitting = new Quitting({
    dynosUp: () => dynosUp,
    ask: (count) => {
      done.push(`ask ${count}`);
      return Promise.resolve(answer);
    },
    close: (dynos) => {
      done.push(`close ${dynos}`);
      return Promise.resolve();
    },
    exit: (code) => done.push(`exit ${code}`),
  });
  return { quitting, done };
}

afterEach(() => {
  vi.restoreAllMocks();
});

describe('quitting', () => {
  it('asks nothing when no dyno is up', async () => {
    const { quitting, done } = make(0, null);
    await quitting.request();
    expect(done).toEqual(['close stop', 'exit 0']);
  });

  it.each(['stop', 'keep'] as const)('does as the person says: %s', async (answer) => {
    const { quitting, done } = make(3, answer);
    await Promise.all([quitting.request(), quitting.request()]);
    expect(done).toEqual(['ask 3', `close ${answer}`, 'exit 0']);
    await quitting.request();
    await quitting.quit('stop');
    expect(done).toHaveLength(3);
  });

  it('goes on when the person changes their mind, and asks again the next time', async () => {
    const { quitting, done } = make(1, null);
    await quitting.request();
    await quitting.request();
    expect(done).toEqual(['ask 1', 'ask 1']);
  });

  it('leaves also when closing fails, and says so', async () => {
    const codes: number[] = [];
    const said = vi.spyOn(console, 'error').mockReturnValue();
    const quitting = new Quitting({
      dynosUp: () => 0,
      ask: () => Promise.resolve(null),
      close: () => Promise.reject(new Error('stuck')),
      exit: (code) => codes.push(code),
    });
    await quitting.request();
    expect(codes).toEqual([1]);
    expect(said).toHaveBeenCalledOnce();
  });
});
