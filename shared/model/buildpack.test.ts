import { describe, expect, it } from 'vitest';
import { BuildpackRef, publicBuildpack, readBuildpack } from './buildpack.ts';

describe('a buildpack as people write it', () => {
  it.each([
    ['heroku/nodejs', { kind: 'name', name: 'heroku/nodejs' }],
    ['urn:buildpack:Heroku/NodeJS', { kind: 'name', name: 'heroku/nodejs' }],
    ['https://host/a/b', { kind: 'git', url: 'https://host/a/b', ref: null }],
    ['https://host/a/b.git#v1.2', { kind: 'git', url: 'https://host/a/b.git', ref: 'v1.2' }],
    ['git@host:a/b.git#main', { kind: 'git', url: 'git@host:a/b.git', ref: 'main' }],
    ['ssh://git@host/a/b.git', { kind: 'git', url: 'ssh://git@host/a/b.git', ref: null }],
    ['file:///srv/b.git', { kind: 'git', url: 'file:///srv/b.git', ref: null }],
    ['file:///srv/b#v1', { kind: 'git', url: 'file:///srv/b', ref: 'v1' }],
    ['file:///srv/my%20b', { kind: 'folder', path: '/srv/my b' }],
    ['file:///srv/b.tgz', { kind: 'archive', url: 'file:///srv/b.tgz' }],
    ['https://host/b.tgz', { kind: 'archive', url: 'https://host/b.tgz' }],
    ['https://host/b.tar.gz?key=1', { kind: 'archive', url: 'https://host/b.tar.gz?key=1' }],
    ['/srv/my b', { kind: 'folder', path: '/srv/my b' }],
    ['~/b', { kind: 'folder', path: '~/b' }],
  ])('%s', (text, place) => {
    expect(readBuildpack(text)).toEqual(place);
  });

  it.each([
    'nodejs',
    'a/b/c',
    '../up',
    'ext::sh -c touch% /tmp/x',
    '--upload-pack=touch /tmp/x',
    'https://host/b#--upload-pack=x',
    'git@host:-x',
    'https://host/a b',
    'https://host/a\nb',
    'ftp://host/b',
    'https://',
  ])('%j is none', (text) => {
    expect(readBuildpack(text)).toBeNull();
    expect(BuildpackRef.safeParse(text).success).toBe(false);
  });

  it('shows no password of a URL', () => {
    expect(publicBuildpack('https://me:secret@host/b.git#x')).toBe('https://host/b.git#x');
  });
});
