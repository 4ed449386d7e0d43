import { languageTests } from './support/language.ts';

const WARM = /Restoring cache[^]*Python 3\.\d+\.\d+ and all packages are taken from the last build/;

languageTests(
  'Python',
  [
    {
      fixture: 'python-flask',
      always: true,
      tool: 'pip',
      source: 'registry',
      says: [
        'Using Python 3.13.5 specified in .python-version',
        'Successfully installed',
        'Build succeeded!',
      ],
      pages: { '/': 'hello from Flask', '/about': '"python":"3.13.5"' },
      worker: /app\[worker\.1\]: worked 1 times/,
      cached: WARM,
      changed: {
        ...{ file: 'shop.py', from: 'hello from', to: 'another hello from' },
        ...{ says: WARM, pages: { '/': 'another hello from Flask' } },
      },
    },
    {
      fixture: 'python-django',
      tool: 'Poetry',
      source: 'registry',
      says: [
        'Installing dependencies using Poetry',
        'python manage.py collectstatic',
        /\d+ static files? copied/,
      ],
      pages: { '/': /notes: 0, Django 5\.2\.\d+/, '/static/site.css': 'margin' },
      logs: /app\[release\.\d+\]: .*Applying notes\.0001_initial/,
      cached: WARM,
    },
    {
      fixture: 'python-fastapi',
      tool: 'uv',
      source: 'registry',
      says: ['specified in uv.lock', 'Installing dependencies using uv', '+ fastapi=='],
      pages: { '/': '{"hello":"FastAPI"}', '/about': '"python":"3.13.5"' },
      cached: WARM,
    },
    {
      fixture: 'python-pyproject',
      tool: 'pip, by pyproject.toml',
      source: 'registry',
      says: ["Installing the project's dependencies using pip", /Successfully installed bottle-0\.13\.4\s/],
      pages: { '/': 'hello from Bottle' },
      cached: WARM,
      changed: {
        ...{ file: 'words.py', from: 'hello from', to: 'another hello from' },
        ...{ says: WARM, pages: { '/': 'another hello from Bottle' } },
      },
    },
  ],
  [
    {
      fixture: 'python-broken',
      always: true,
      says: [
        'Using Python 3.13 specified in .python-version',
        /^ {7}ERROR: Could not find a version that satisfies the requirement flask==999/m,
        '-----> Build failed',
        ' !     The packages could not be installed',
      ],
    },
    {
      fixture: 'python-unknown-version',
      says: [
        ' !     There is no Python ==3.99.1 to be had',
        /the package registry: .*3\.13\.5/,
        /Debian trixie: 3\.13/,
      ],
    },
  ],
);
