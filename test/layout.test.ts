/** The folders are the architecture (ARCHITECTURE.md): who may import whom, and what the code of a folder may not do. */
import assert from 'node:assert/strict'
import { existsSync, readdirSync, readFileSync } from 'node:fs'
import { isBuiltin } from 'node:module'
import { join, posix } from 'node:path'
import { test } from 'node:test'
import { codeOf, findImports } from './source.ts'

interface Row {
  /** Folders of src/ that it may import, besides itself. */
  folders: readonly string[] | 'all'
  packages: readonly string[] | 'all'
  /** Node.js's own modules, without `node:`. `node:sqlite` needs to be named. */
  builtins: readonly string[] | 'all but sqlite' | 'all'
}

const table: Record<string, Row> = {
  core: {
    folders: [],
    packages: ['hpke', 'jose', 'ajv', 're2js', 'decimal.js'],
    builtins: ['crypto', 'assert', 'assert/strict'],
  },
  storage: { folders: ['core'], packages: ['pg'], builtins: 'all' },
  custody: { folders: ['core'], packages: ['pkcs11js'], builtins: 'all' }, // sqlite: docs/decisions/0002-key-store-in-sqlite.md
  api: { folders: ['core'], packages: ['typebox'], builtins: ['assert', 'assert/strict'] },
  ordering: {
    folders: ['core', 'storage'],
    packages: ['cosmjs-types', '@cosmjs/tendermint-rpc'],
    builtins: 'all but sqlite',
  },
  client: { folders: ['core', 'api'], packages: [], builtins: 'all but sqlite' },
  node: { folders: ['core', 'storage', 'ordering', 'custody', 'client'], packages: [], builtins: 'all but sqlite' },
  connectors: { folders: ['core', 'client'], packages: [], builtins: 'all but sqlite' }, // each driver is named when it comes
  server: {
    folders: ['core', 'api', 'node'],
    packages: ['fastify', 'openid-client', 'oidc-provider'],
    builtins: 'all but sqlite',
  },
  web: { folders: ['core', 'client'], packages: ['nunjucks', 'govuk-frontend', 'i18next'], builtins: 'all but sqlite' },
  cli: { folders: ['core', 'api', 'client', 'custody', 'storage'], packages: [], builtins: 'all but sqlite' },
  sandbox: { folders: 'all', packages: 'all', builtins: 'all' },
  'main.ts': { folders: 'all', packages: 'all', builtins: 'all' },
}

const root = join(import.meta.dirname, '..')
const sources = filesUnder('src').filter((file) => file.endsWith('.ts') && !file.endsWith('.test.ts'))
/** Where a file stands in the table: its folder in src/, or its own name. */
const rowName = (file: string) => file.split('/')[1]!

test('every folder of src has a row, and files to check', () => {
  const present = readdirSync(join(root, 'src'))
  assert.ok(present.length > 0, 'src is empty')
  for (const name of present) {
    assert.ok(Object.hasOwn(table, name), `src/${name} has no row in test/layout.test.ts`)
    assert.ok(
      sources.some((file) => rowName(file) === name),
      `src/${name} has no TypeScript file`,
    )
  }
})

test('imports follow the table', () => {
  report(
    sources.flatMap((file) =>
      findImports(read(file)).flatMap(({ specifier, line }) => {
        const problem = importProblem(file, specifier)
        return problem === undefined ? [] : [`${file}:${line}: ${problem}`]
      }),
    ),
  )
})

test('modules are loaded by imports that this test can follow', () => {
  forbid(sources, /\brequire\s*\(|\bcreateRequire\b|\bgetBuiltinModule\b|\bprocess\.binding\b/)
})

test('the evidence verifier, which also runs in a browser, uses no node: module and no package', () => {
  const files = closureOf('src/core/ledger/evidence.ts')
  report(
    files.flatMap((file) =>
      findImports(read(file))
        .filter(({ specifier }) => !specifier.startsWith('.'))
        .map(({ specifier, line }) => `${file}:${line}: imports ${specifier}`),
    ),
  )
  forbid(files, /\b(?:Buffer|process|require|__dirname|setImmediate)\b(?!\s*\??:)/)
})

test('core, node and ordering are handed their clock and random source', () => {
  const handed = sources.filter((file) => ['core', 'node', 'ordering'].includes(rowName(file)))
  forbid(handed, /\bMath\.random\b|\bDate\.now\b|\bnew Date\(\s*\)|(?<!new )\bDate\(\s*\)/)
})

test('core does no I/O and reads no clock, environment or locale', () => {
  const core = sources.filter((file) => rowName(file) === 'core')
  forbid(core, /\bprocess\.|\bfetch\(|\bset(?:Timeout|Interval|Immediate)\(|\bperformance\.|\bconsole\./)
  forbid(core, /\bIntl\.|\btoLocale\w+\(|\blocaleCompare\(/)
})

test('core draws randomness only in record and crypto', () => {
  const others = sources.filter((file) => rowName(file) === 'core' && !/^src\/core\/(?:record|crypto)\//.test(file))
  forbid(
    others,
    /\brandom(?:Bytes|UUID|UUIDv7|Int|Fill|FillSync)\b|\bgetRandomValues\b|\bgenerateKey(?:Pair)?(?:Sync)?\b/,
  )
})

test('file names say what is inside', () => {
  const vague = /(?:^|[/.-])(?:utils?|helpers?|managers?|common|index)(?:[.-][^/]*)?(?:\/|\.ts$)/i
  report(allFiles().filter((file) => vague.test(file)))
})

test('no file only passes on what others export', () => {
  report(
    sources.filter((file) => {
      const statements = codeOf(read(file)).trim()
      return statements !== '' && statements.replaceAll(/export\s[^;=()]*?\sfrom\s*''/g, '').trim() === ''
    }),
  )
})

test('nothing is left to do in comments, and no test is switched off or singled out in silence', () => {
  const written = allFiles().filter((file) => /\.(?:ts|js|json|md|css|njk)$/.test(file))
  report(written.filter((file) => /\bTO[D]O\b|\bFIX[M]E\b/.test(read(file))))
  const tests = written.filter((file) => file.endsWith('.test.ts'))
  assert.ok(tests.length > 0, 'no test found')
  forbid(tests, /\b(?:test|it|describe|suite)\.(?:only|todo)\(|\bonly: true|\bskip: true|\.skip\(\s*\)/)
})

test('every test has a name that the test run finds', () => {
  report(
    allFiles().filter(
      (file) => /[._-](?:spec|test)\.[a-z]+$/.test(file) && !/^(?:src|test|examples)\/.*\.test\.ts$/.test(file),
    ),
  )
})

/** What is wrong with an import, if anything. */
function importProblem(file: string, specifier: string): string | undefined {
  const name = rowName(file)
  const row = table[name]
  if (row === undefined) return `${name} has no row`
  if (specifier === '') return 'imports an expression, which cannot be followed'
  if (specifier.startsWith('.')) {
    const target = resolve(file, specifier)
    if (!existsSync(join(root, target))) return `${specifier} is not there`
    if (!target.startsWith('src/')) return `${specifier} is outside src`
    const folder = rowName(target)
    return folder === name || row.folders === 'all' || row.folders.includes(folder)
      ? undefined
      : `${name} may not import ${folder}`
  }
  if (isBuiltin(specifier)) {
    if (!specifier.startsWith('node:')) return `${specifier} lacks node:`
    const builtin = specifier.slice('node:'.length)
    const allowed =
      row.builtins === 'all' ||
      (row.builtins === 'all but sqlite' ? builtin !== 'sqlite' : row.builtins.includes(builtin))
    return allowed ? undefined : `${name} may not import ${specifier}`
  }
  const packageName = specifier
    .split('/')
    .slice(0, specifier.startsWith('@') ? 2 : 1)
    .join('/')
  return row.packages === 'all' || row.packages.includes(packageName)
    ? undefined
    : `${name} may not import package ${packageName}`
}

/** The file and all that it imports from src, directly or not. */
function closureOf(entry: string): string[] {
  const seen = new Set([entry])
  for (const file of seen) {
    for (const { specifier } of findImports(read(file))) {
      if (specifier.startsWith('.')) seen.add(resolve(file, specifier))
    }
  }
  return [...seen]
}

/** Fails, naming each place, if the pattern matches in the code (comments and strings aside) of a file. */
function forbid(files: readonly string[], pattern: RegExp): void {
  assert.ok(files.length > 0, 'no file to check')
  report(
    files.flatMap((file) =>
      codeOf(read(file))
        .split('\n')
        .flatMap((line, index) => (pattern.test(line) ? [`${file}:${index + 1}: ${line.trim()}`] : [])),
    ),
  )
}

function report(problems: readonly string[]): void {
  assert.equal(problems.length, 0, `\n${problems.join('\n')}`)
}

function resolve(file: string, specifier: string): string {
  return posix.join(posix.dirname(file), specifier)
}

function read(file: string): string {
  return readFileSync(join(root, file), 'utf8')
}

function allFiles(): string[] {
  return ['src', 'test', 'bin', 'docs', 'examples'].flatMap(filesUnder)
}

/** Paths from the project's root, with forward slashes, sorted. */
function filesUnder(folder: string): string[] {
  if (!existsSync(join(root, folder))) return []
  return readdirSync(join(root, folder), { recursive: true, withFileTypes: true })
    .filter((entry) => entry.isFile())
    .map((entry) =>
      join(entry.parentPath, entry.name)
        .slice(root.length + 1)
        .replaceAll('\\', '/'),
    )
    .sort()
}
