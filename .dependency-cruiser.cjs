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
    exclude: { path: '^(dist|node_modules)/' },
    enhancedResolveOptions: { exportsFields: ['exports'], conditionNames: ['import', 'require', 'node', 'default', 'types'], extensions: ['.ts', '.tsx', '.js', '.mjs'] },
  },
};
