import { spawnSync } from 'node:child_process';
import { mkdir, mkdtemp, rm, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { dirname, join } from 'node:path';
import { afterEach, beforeEach, describe, expect, it } from 'vitest';

const PACKS = join(import.meta.dirname, '..', '..', 'buildpacks');

describe('packages that may be others tomorrow', () => {
  let work: string;
  beforeEach(async () => {
    work = await mkdtemp(join(tmpdir(), 'slipway-floating-'));
  });
  afterEach(() => rm(work, { recursive: true, force: true }));

  /** Whether a function of a buildpack's script says so of a folder that holds one file. */
  const floating = async (script: string, call: string, file: string, text: string): Promise<boolean> => {
    await mkdir(dirname(join(work, file)), { recursive: true });
    await writeFile(join(work, file), `${text}\n`);
    const source = `set -euo pipefail; . "$1/${script}"; if ${call}; then echo yes; else echo no; fi`;
    const { stdout, stderr } = spawnSync('bash', ['-c', source, 'bash', PACKS], {
      cwd: work,
      encoding: 'utf8',
    });
    expect(['yes\n', 'no\n'], stderr).toContain(stdout);
    return stdout === 'yes\n';
  };

  it.each([
    ['build.gradle', "implementation 'a:b:1.+'", true],
    ['build.gradle', "implementation 'a:b:[1.0,2.0)'", true],
    ['build.gradle', "implementation 'a:b:latest.release'", true],
    ['shop/build.gradle.kts', 'implementation("a:b:1.0-SNAPSHOT")', true],
    ['gradle/libs.versions.toml', 'b = "1.+"', true],
    ['gradle/libs.versions.toml', 'b = "1.2.3"', false],
    ['build.gradle', "version = '0.0.1-SNAPSHOT'", false],
    ['build.gradle', "version '0.0.1-SNAPSHOT'\nimplementation 'a:b:1.0'", false],
  ])('Gradle: %s with %s: %s', async (file, text, expected) => {
    expect(await floating('gradle/lib/gradle.sh', 'gradle_floating', file, text)).toBe(expected);
  });

  it.each([
    ['build.sbt', 'libraryDependencies += "a" %% "b" % "1.0-SNAPSHOT"', true],
    ['build.sbt', 'libraryDependencies += "a" %% "b" % "1.+"', true],
    ['build.sbt', 'libraryDependencies += "a" %% "b" % "[1.0,2.0)"', true],
    ['project/plugins.sbt', 'addSbtPlugin("a" % "b" % "latest.integration")', true],
    ['build.sbt', 'ThisBuild / version := "0.1.0-SNAPSHOT"', false],
    ['project/Dependencies.scala', 'val b = "a" %% "b" % "1.0"', false],
  ])('sbt: %s with %s: %s', async (file, text, expected) => {
    expect(await floating('scala/lib/sbt.sh', 'sbt_floating', file, text)).toBe(expected);
  });

  it.each([
    ['a/b/maven-metadata-central.xml', true],
    ['a/b/maven-metadata-local.xml', false],
    ['a/b/1.0/b-1.0.jar', false],
  ])('Maven: %s: %s', async (file, expected) => {
    expect(await floating('common/maven.sh', 'maven_floating .', file, '')).toBe(expected);
  });
});
