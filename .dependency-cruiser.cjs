/** The layers of docs/ARCHITECTURE.md. */
const from = (path) => ({ path });
const forbid = (name, comment, source, target) => ({ name, comment, severity: 'error', from: source, to: target });

module.exports = {
  forbidden: [
    forbid('shared-is-pure', 'shared/ knows nothing of Node, engine or UI.', from('^shared/(?!.*[.]test[.]ts$)'), {
      path: ['^electron/', '^renderer/', '^test/', '^bench/'],
    }),
    forbid('shared-has-no-io', 'shared/ does no input or output.', from('^shared/(?!.*[.]test[.]ts$)'), { dependencyTypes: ['core'] }),
    forbid('engine-stands-alone', 'The engine knows no host and no UI.', from('^electron/engine/(?!.*[.]test[.]ts$)'), {
      path: ['^electron/(?!engine/)', '^renderer/', '^test/', '^bench/', '^node_modules/electron/'],
    }),
    forbid('hosts-do-not-know-ui', 'Hosts serve the built UI; they do not import it.', from('^electron/'), { path: '^renderer/' }),
    forbid('electron-in-the-shell', 'Only main process and preload script use Electron.', from('^(?!electron/(main|preload)/)'), {
      path: '^node_modules/electron/',
    }),
    forbid('preload-carries-nothing', 'A sandboxed preload script can load nothing but Electron.', from('^electron/preload/'), {
      path: ['^electron/(?!preload/)', '^node_modules/(?!electron/)'],
      dependencyTypesNot: ['type-only'],
    }),
    forbid('preload-has-no-node', 'A sandboxed preload script has no Node.js.', from('^electron/preload/'), { dependencyTypes: ['core'] }),
    forbid('hosts-below-the-shell', 'Engine, headless host and command do not know the shell.', from('^electron/(engine|headless|cli)/'), {
      path: '^electron/(main|preload)/',
    }),
    forbid('renderer-talks-by-contract', 'The UI sees the engine only through shared/.', from('^renderer/'), { path: '^electron/' }),
    forbid('product-without-tests', 'Nothing that ships imports tests or benchmarks.', from('^(shared|electron|renderer)/(?!.*[.]test[.]ts$)'), {
      path: ['^test/', '^bench/'],
    }),
    forbid('no-cycles', 'Two modules that need each other are one, or share a third.', {}, {
      circular: true,
      viaOnly: { dependencyTypesNot: ['type-only'] },
    }),
  ],
  options: {
    tsConfig: { fileName: 'tsconfig.json' },
    tsPreCompilationDeps: true,
    doNotFollow: { path: 'node_modules' },
    exclude: { path: '^dist/' },
    enhancedResolveOptions: { exportsFields: ['exports'], conditionNames: ['import', 'require', 'node', 'default', 'types'], extensions: ['.ts', '.tsx', '.js', '.mjs'] },
  },
};
