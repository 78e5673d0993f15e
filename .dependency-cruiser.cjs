// The import table of ARCHITECTURE.md, held by `pnpm check`. Dependencies point one way; what is not listed is refused.

// dependency-cruiser walks swc's tree with swc's own visitor, which is of before `using x = …` and throws at one. It is a
// declaration like any other, in statements and in the head of a `for … of`.
const { Visitor } = require('@swc/core/Visitor.js');

const { visitStatement, visitForOfStatement } = Visitor.prototype;
const asVariables = (node) =>
  node?.type === 'UsingDeclaration' ? { ...node, type: 'VariableDeclaration', declarations: node.decls } : node;
Object.assign(Visitor.prototype, {
  visitStatement(node) {
    return visitStatement.call(this, asVariables(node));
  },
  visitForOfStatement(node) {
    return visitForOfStatement.call(this, { ...node, left: asVariables(node.left) });
  },
});

/** What each package may import besides itself. Tests, and the folders named testing, may also use @solstice/testing. */
const packages = {
  // The database is for its tests alone: see database-for-tests.
  common: ['embedded-postgres'],
  'embedded-postgres': [],
  testing: ['embedded-postgres', 'workers'],
  runner: ['common/src/expressions', 'common/src/rpc', 'common/src/secrets'],
  workers: ['common', 'runner'],
  orchestrator: ['common', 'workers'],
  'forge-integration': ['common'],
  api: ['common'],
  ciadm: ['common', 'api'],
  cidev: ['common'],
  solstice: ['common', 'api', 'embedded-postgres', 'forge-integration', 'orchestrator', 'runner', 'workers'],
};

/** Folders of common that any other of them may import; they import none. */
const shared = ['clock', 'errors', 'forge'];

/** What the other folders of common may import besides themselves and those. */
const commonFolders = {
  config: ['kdl'],
  expressions: [],
  flow: ['expressions', 'messages', 'workflow'],
  'host-file': ['kdl', 'store'],
  kdl: [],
  loops: ['telemetry'],
  messages: [],
  queue: ['loops', 'messages', 'telemetry'],
  rpc: [],
  schedule: [],
  secrets: [],
  store: ['flow', 'messages', 'schedule', 'telemetry', 'workflow'],
  telemetry: [],
  workflow: ['expressions', 'kdl', 'schedule'],
};

const test = '(\\.i?test\\.ts$|/testing/)';

const forbidden = [
  {
    name: 'unknown-package',
    comment: 'A package that this table does not list.',
    severity: 'error',
    from: { path: '^packages/', pathNot: `^packages/(${Object.keys(packages).join('|')})/` },
    to: {},
  },
  {
    name: 'unknown-folder-of-common',
    comment: 'A folder of common that this table does not list.',
    severity: 'error',
    from: {
      path: '^packages/common/src/',
      pathNot: `^packages/common/src/(${[...shared, ...Object.keys(commonFolders)].join('|')})/`,
    },
    to: {},
  },
  {
    name: 'entry-points-only',
    comment: 'A package of one idea is entered by src/index.ts, one of several by src/<folder>/index.ts.',
    severity: 'error',
    from: { path: '^(packages/[^/]+|e2e)/' },
    to: {
      path: '^packages/([^/]+)/src/',
      pathNot: [
        // Its own files: $1 is the importing package.
        '^$1/',
        '^packages/(common|workers)/src/[^/]+/index\\.ts$',
        '^packages/(?!common|workers)[^/]+/src/index\\.ts$',
        // For tests; no-test-in-product holds the rest back.
        '^packages/[^/]+/src/testing/index\\.ts$',
        '^packages/[^/]+/src/[^/]+/testing/index\\.ts$',
      ],
    },
  },
  {
    name: 'no-cycles',
    comment: 'Files that need each other are one job in two places; types count, swc does not tell them apart.',
    severity: 'error',
    from: {},
    to: { circular: true },
  },
  {
    name: 'no-unresolved',
    comment: 'An import that leads nowhere escapes every other rule.',
    severity: 'error',
    from: {},
    to: { couldNotResolve: true },
  },
  {
    name: 'database-for-tests',
    comment: 'The store is given an address; which server stands behind it is not its business.',
    severity: 'error',
    from: { path: '^packages/common/src/', pathNot: test },
    to: { path: '^packages/embedded-postgres/' },
  },
  {
    name: 'no-test-in-product',
    comment: 'What only tests need does not travel.',
    severity: 'error',
    from: { path: '^packages/(?!testing/)[^/]+/src/', pathNot: test },
    to: { path: `(${test}|^packages/testing/)` },
  },
];

for (const [name, allowed] of Object.entries(packages)) {
  forbidden.push({
    name: `${name}-imports`,
    comment: `packages/${name} may import: ${allowed.join(', ') || 'no other package'}.`,
    severity: 'error',
    from: { path: `^packages/${name}/src/` },
    to: {
      path: '^(packages|e2e)/',
      pathNot: [`^packages/(${[name, ...allowed].join('|')})/`, '^packages/testing/'],
    },
  });
}
const noneOf = shared.map((name) => [name, []]);
for (const [name, others] of [...Object.entries(commonFolders), ...noneOf]) {
  const allowed = shared.includes(name) ? [] : [...shared, ...others];
  forbidden.push({
    name: `common-${name}-imports`,
    comment: `packages/common/src/${name} may import: ${allowed.join(', ') || 'no other folder of common'}.`,
    severity: 'error',
    from: { path: `^packages/common/src/${name}/`, pathNot: test },
    to: { path: '^packages/common/src/', pathNot: `^packages/common/src/(${[name, ...allowed].join('|')})/` },
  });
}

module.exports = {
  forbidden,
  options: {
    // swc sees TypeScript's type-only imports too; with TypeScript 7 there is no other parser that does.
    parser: 'swc',
    tsPreCompilationDeps: true,
    doNotFollow: { path: 'node_modules' },
    exclude: { path: '/(gen|fixtures)/|^packages/[^/]+/dist/' },
    enhancedResolveOptions: {
      exportsFields: ['exports'],
      conditionNames: ['solstice-source', 'import', 'node', 'default', 'types'],
      extensions: ['.ts', '.mjs', '.js', '.cjs', '.json', '.d.ts'],
    },
  },
};
