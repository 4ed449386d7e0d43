import reactHooks from 'eslint-plugin-react-hooks';
import tseslint from 'typescript-eslint';

const electron = { name: 'electron', message: 'Only electron/main and electron/preload may use Electron.' };
const zod = {
  selector: "ImportDeclaration[source.value='zod'] > ImportSpecifier",
  message: "Write import * as z from 'zod': the named form keeps all of zod.",
};

/** Points 2 to 6 and 8 to 11 of Electron's security list: what a window's preferences never say. */
const insecure = [
  {
    selector:
      'Property[key.name=/^(allowRunningInsecureContent|experimentalFeatures|enableBlinkFeatures|plugins)$/]',
    message: 'Windows run without this.',
  },
  {
    selector: 'Property[key.name=/^(webSecurity|sandbox|contextIsolation)$/] > Literal[value=false]',
    message: 'Windows keep their protections.',
  },
  {
    selector: 'Property[key.name=/^(nodeIntegration.*|webviewTag)$/] > Literal[value=true]',
    message: 'Pages get no Node.js and hold no foreign pages.',
  },
];
const onlyIn = (file, module, name) => ({
  selector: `ImportDeclaration[source.value='${module}'] > ImportSpecifier[imported.name='${name}']`,
  message: `Only ${file} may use ${name}.`,
});
const rawIpc = onlyIn('electron/main/ipc.ts', 'electron', 'ipcMain');
const openExternal = {
  selector: "MemberExpression[property.name='openExternal']",
  message: 'Only electron/main/external.ts opens what is outside.',
};

/** House rules that types and formatter cannot hold. Layers are in .dependency-cruiser.cjs. */
export default tseslint.config(
  {
    ignores: [
      'dist/**',
      'node_modules/**',
      'bench/results/**',
      'renderer/public/**',
      'buildpacks/**',
      '**/fixtures/**',
      '*.js',
      '**/*.cjs',
      '**/*.mjs',
      '**/*.config.ts',
    ],
  },
  ...tseslint.configs.recommendedTypeChecked,
  {
    languageOptions: { parserOptions: { projectService: true, tsconfigRootDir: import.meta.dirname } },
    rules: {
      '@typescript-eslint/consistent-type-imports': 'error',
      '@typescript-eslint/explicit-module-boundary-types': 'error',
      '@typescript-eslint/no-floating-promises': 'error',
      '@typescript-eslint/no-explicit-any': 'error',
      '@typescript-eslint/switch-exhaustiveness-check': 'error',
      '@typescript-eslint/require-await': 'off',
      '@typescript-eslint/restrict-template-expressions': [
        'error',
        { allowNumber: true, allowBoolean: true },
      ],
      'no-restricted-imports': ['error', { paths: [electron] }],
      'no-restricted-syntax': ['error', zod],
      'max-lines': ['error', { max: 400, skipBlankLines: true, skipComments: true }],
      'max-lines-per-function': ['error', { max: 60, skipBlankLines: true, skipComments: true, IIFEs: true }],
      complexity: ['error', 28],
      '@typescript-eslint/no-unused-vars': ['error', { varsIgnorePattern: '^_', argsIgnorePattern: '^_' }],
      eqeqeq: ['error', 'always', { null: 'ignore' }],
      'no-console': 'off',
    },
  },
  {
    files: ['electron/main/**', 'electron/preload/**'],
    rules: {
      'no-restricted-imports': 'off',
      'no-restricted-syntax': ['error', zod, ...insecure, rawIpc, openExternal],
    },
  },
  {
    files: ['electron/main/ipc.ts'],
    rules: { 'no-restricted-syntax': ['error', zod, ...insecure, openExternal] },
  },
  {
    files: ['electron/main/external.ts'],
    rules: { 'no-restricted-syntax': ['error', zod, ...insecure, rawIpc] },
  },
  {
    files: ['renderer/**/*.tsx'],
    plugins: { 'react-hooks': reactHooks },
    rules: {
      ...reactHooks.configs.recommended.rules,
      // Markup is long, not deep.
      'max-lines-per-function': ['error', { max: 100, skipBlankLines: true, skipComments: true }],
    },
  },
  {
    files: ['test/**', 'bench/**', '**/*.test.ts', '**/testing*.ts', '**/testbed.ts'],
    rules: {
      'max-lines': 'off',
      'max-lines-per-function': 'off',
      '@typescript-eslint/no-unsafe-assignment': 'off',
      '@typescript-eslint/no-unsafe-member-access': 'off',
    },
  },
);
