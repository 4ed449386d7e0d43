import { languageTests } from './support/language.ts';

const WARM = /are taken from the last build[^]*All gems are taken from the last build/;

languageTests(
  'Ruby',
  [
    {
      fixture: 'ruby-rack',
      always: true,
      tool: 'Bundler, vendor/cache, a gem in C',
      source: 'distribution',
      says: [
        /Using Ruby version: ruby-3\.\d+\.\d+/,
        /Installing bcrypt [\d.]+ with native extensions/,
        'No Procfile detected, using the default web server (webrick).',
      ],
      pages: {
        '/': /"hello":"Rack 3\.[\d.]+","ruby":"3\.\d+\.\d+","environment":"production"/,
        '/password': '{"fits":true,"other":false}',
      },
      cached: WARM,
    },
    {
      fixture: 'ruby-sinatra',
      tool: 'Bundler, gems of the distribution',
      source: 'distribution',
      says: [
        'Ruby ~> 3.3.0 is asked for in the Gemfile',
        /Using Ruby version: ruby-3\.3\.\d+/,
        'Bundle complete!',
      ],
      pages: { '/': 'Sinatra 4.', '/notes.json': /"ruby":"3\.3\.\d+","environment":"production"/ },
      worker: /app\[worker\.1\]: look 3/,
      cached: WARM,
    },
    {
      fixture: 'ruby-rails',
      tool: 'Bundler, Propshaft, gems of the distribution',
      source: 'distribution',
      says: [
        'Ruby ~> 3.3.0 is asked for in .ruby-version',
        'Preparing app for Rails asset pipeline',
        /Writing application-\w+\.css/,
      ],
      pages: {
        '/': /Notes on Rails 7\.2[^]*/,
        '/notes.json': /"rails":"7\.2[\d.]*","environment":"production","notes":\[\]/,
      },
      logs: /app\[release\.\d+\]: released with Rails 7\.2[\d.]* in production, secret of 128 characters/,
      cached:
        /All gems are taken from the last build[^]*Nothing has changed: assets are taken from the last build/,
      changed: {
        ...{ file: 'app/views/notes/index.html.erb', from: 'Notes', to: 'Other notes' },
        ...{ says: 'Preparing app for Rails asset pipeline', pages: { '/': 'Other notes' } },
      },
    },
  ],
  [
    {
      fixture: 'ruby-broken',
      says: [
        'the stylesheet has no colours',
        '-----> Build failed',
        'Precompiling assets failed; the lines above say why.',
      ],
    },
    {
      fixture: 'ruby-unknown-version',
      says: [
        'There is no Ruby 1.9.3 to be had. There are:',
        /packages of Debian trixie: 3\.\d+\.\d+/,
        'Write one of them into the Gemfile',
      ],
    },
  ],
);
