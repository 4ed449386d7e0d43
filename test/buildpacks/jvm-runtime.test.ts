import { execFileSync } from 'node:child_process';
import { join } from 'node:path';
import { describe, expect, it } from 'vitest';

const SCRIPT = join(import.meta.dirname, '..', '..', 'buildpacks', 'common', 'jvm', 'runtime.sh');

/** What the variables are after the script of a dyno that runs Java. */
function environment(given: Record<string, string>): Record<string, string> {
  const env = { HOME: '/app', PATH: '/usr/bin:/bin', ...given };
  const text = execFileSync('bash', ['-ec', `. '${SCRIPT}'; env -0`], { env, encoding: 'utf8' });
  const pairs = text.split('\0').map((line) => [line.replace(/=[^]*/, ''), line.replace(/^[^=]*=/, '')]);
  return Object.fromEntries(pairs) as Record<string, string>;
}

describe('the environment of a dyno with Java', () => {
  it.each([
    ['512', '-Xmx300m -Xss512k -XX:CICompilerCount=2 -Dfile.encoding=UTF-8'],
    ['1024', '-Xmx671m -XX:CICompilerCount=2 -Dfile.encoding=UTF-8'],
    ['2560', '-Xmx2048m -Dfile.encoding=UTF-8'],
    ['14336', '-Xmx12288m -Dfile.encoding=UTF-8'],
  ])('of %s MiB has its heap', (quota, options) => {
    const found = environment({ MEMORY_AVAILABLE: quota });
    expect(found).toMatchObject({ JAVA_TOOL_OPTIONS: options, JAVA_HOME: '/app/.jdk' });
    expect(found['PATH']).toMatch(/^\/app\/\.jdk\/bin:/);
  });

  it('leaves a heap that the app sets', () => {
    const found = environment({ MEMORY_AVAILABLE: '512', JAVA_TOOL_OPTIONS: '-Xmx99m' });
    expect(found['JAVA_TOOL_OPTIONS']).toBe('-Dfile.encoding=UTF-8 -Xmx99m');
    const other = environment({ MEMORY_AVAILABLE: '512', JAVA_OPTS: '-XX:MaxRAMPercentage=50' });
    expect(other['JAVA_TOOL_OPTIONS']).toBe('-Dfile.encoding=UTF-8');
  });

  it('has the database in the form of drivers, unless the app sets it', () => {
    const url = 'postgres://me:p%40ss+1@db.example:5433/shop?sslmode=require';
    const jdbc = 'jdbc:postgresql://db.example:5433/shop?user=me&password=p%40ss%2B1&sslmode=require';
    const found = environment({ DATABASE_URL: url, HEROKU_POSTGRESQL_RED_URL: url });
    expect(found).toMatchObject({
      JDBC_DATABASE_URL: jdbc,
      JDBC_DATABASE_USERNAME: 'me',
      JDBC_DATABASE_PASSWORD: 'p@ss+1',
      SPRING_DATASOURCE_URL: jdbc,
      HEROKU_POSTGRESQL_RED_JDBC_URL: jdbc,
    });
    const own = environment({
      ...{ DATABASE_URL: url, JDBC_DATABASE_URL: 'jdbc:h2:mem', DISABLE_SPRING_DATASOURCE_URL: 'true' },
    });
    expect(own['JDBC_DATABASE_URL']).toBe('jdbc:h2:mem');
    expect(own).not.toHaveProperty('SPRING_DATASOURCE_URL');
  });
});
