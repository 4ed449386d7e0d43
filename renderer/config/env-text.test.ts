import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import { envChange, formatEnv, parseEnv } from './env-text.ts';

describe('config vars as text', () => {
  it('reads what .env files have', () => {
    const text = `# database\nDATABASE_URL=postgres://u:p@h/db # local\nexport NAME = "two words"\nRAW='a "b" $c'\nEMPTY=\n\nKEY="line 1\nline 2"\nESC="a\\nb"\r\nLAST=x=y`;
    expect(parseEnv(text)).toEqual({
      vars: {
        DATABASE_URL: 'postgres://u:p@h/db',
        NAME: 'two words',
        RAW: 'a "b" $c',
        EMPTY: '',
        KEY: 'line 1\nline 2',
        ESC: 'a\nb',
        LAST: 'x=y',
      },
      problems: [],
    });
  });

  it('names the lines that say nothing', () => {
    const { vars, problems } = parseEnv('A=1\nrubbish\n1X=2\nA=3\nHEROKU_X=4');
    expect(vars).toEqual({ A: '3' });
    expect(problems.map(({ line }) => line)).toEqual([2, 3, 4, 5]);
  });

  it('reads back every value that it writes', () => {
    const value = fc.string({ unit: 'grapheme' }).map((text) => text.replaceAll('\0', ''));
    fc.assert(
      fc.property(
        fc.dictionary(
          fc.stringMatching(/^[A-Z][A-Z0-9_]{0,8}$/).filter((name) => !name.startsWith('HEROKU_')),
          value,
        ),
        (vars) => {
          expect(parseEnv(formatEnv(vars))).toEqual({ vars: { ...vars }, problems: [] });
        },
      ),
    );
  });

  it('tells what would change', () => {
    expect(envChange({ A: '1', B: '2', C: '3' }, { A: '1', B: 'x', D: '4' })).toEqual({
      B: 'x',
      C: null,
      D: '4',
    });
  });
});
