import { languageTests } from './support/language.ts';

const WARM = /are taken from the last build/;

languageTests(
  'PHP',
  [
    {
      fixture: 'php-index',
      always: true,
      tool: 'Apache',
      source: 'distribution',
      says: [
        /PHP 8\.\d+\.\d+, Apache 2\.4\.\d+, nginx 1\.\d+\.\d+/,
        "No Procfile, using 'web: heroku-php-apache2'.",
      ],
      pages: { '/': 'hello from PHP 8.', '/no.php': 'Not Found' },
      logs: /app\[web\.1\]: \d+ MB of memory: \d+ processes at 128MB memory limit\./,
      cached: WARM,
    },
    {
      fixture: 'php-slim',
      tool: 'Composer, nginx',
      source: 'distribution',
      says: [
        'Composer version 2.',
        /Installing slim\/slim \(3\.12\.5\)/,
        'Generating optimized autoload files',
      ],
      pages: {
        '/': /\{"app":"notes","php":"8\.\d+\.\d+","dev":false\}/,
        '/hello/you': 'hello YOU from Slim 3.12.5',
        '/site.css': 'margin: 2rem',
      },
      cached: /Packages are taken from the last build[^]*Nothing to install, update or remove/,
    },
    {
      fixture: 'php-worker',
      tool: 'Composer, Apache, extensions',
      source: 'distribution',
      says: [/php8\.\d+-intl/, /php8\.\d+-bcmath/, "Running the script 'compile'"],
      pages: { '/': /total 59,97\s€\ncompiled with 8\.4\.\d+/, '/any/path': 'total 59,97' },
      worker: /app\[worker\.1\]: job 3: 59,97\s€/,
      logs: /app\[release\.\d+\]: released with intl \d+/,
      cached: /Packages are taken from the last build/,
    },
    {
      fixture: 'php-ruby',
      tool: 'Apache, behind Ruby',
      source: 'distribution',
      says: ['Using buildpacks:', /Using Ruby version: ruby-3\.3\.\d+/, /PHP 8\.\d+\.\d+, Apache 2\.4/],
      pages: { '/': 'hello from PHP 8.' },
      worker: /app\[worker\.1\]: look 2 of Ruby 3\.3\.\d+ at PHP 8\.\d+/,
      cached: /All gems are taken from the last build[^]*are taken from the last build: php8/,
    },
  ],
  [
    {
      fixture: 'php-broken',
      always: true,
      says: [
        'The platform is not what the project requires:',
        /composer\.json requires php \^9\.1 \(there is 8\.\d+\.\d+\)/,
        'composer.json requires ext-oci8 *',
        /and packages for more: .*\bimagick\b/,
      ],
    },
  ],
);
