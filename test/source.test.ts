import assert from 'node:assert/strict'
import { test } from 'node:test'
import { codeOf, findImports } from './source.ts'

const specifiers = (text: string) => findImports(text).map(({ specifier }) => specifier)

test('finds every form of import', () => {
  const text = [
    "import assert from 'node:assert'",
    "import './side-effect.ts'",
    "import type { A } from './a.ts'",
    "import * as b from './b.ts'",
    'import {\n  c,\n  type D,\n} from "./c.ts"',
    "export { e } from './e.ts'",
    "export * from './f.ts'",
    "export type { G } from './g.ts'",
    "const h = await import('./h.ts')",
    "let i: import('./i.ts').I",
    "new Worker(new URL('./j.ts', import.meta.url))",
    "import k from './k.json' with { type: 'json' }",
    // biome-ignore lint/suspicious/noTemplateCurlyInString: it is source text
    "const l = `${`${await import('./l.ts')}`}`",
  ].join('\n')
  assert.deepEqual(
    specifiers(text).sort(),
    ['./a.ts', './b.ts', './c.ts', './e.ts', './f.ts', './g.ts', './h.ts', './i.ts', './j.ts', './k.json', './l.ts']
      .concat(['./side-effect.ts', 'node:assert'])
      .sort(),
  )
})

test('an import of an expression is found and has no specifier', () => {
  assert.deepEqual(specifiers('await import(name)'), [''])
  // biome-ignore lint/suspicious/noTemplateCurlyInString: it is source text
  assert.deepEqual(specifiers('await import(`./${name}.ts`)'), [''])
})

test('takes nothing in a comment, string, template or regular expression for an import', () => {
  const text = [
    "// import a from './a.ts'",
    "/* import b from './b.ts'\n */",
    'const c = "import c from \'./c.ts\'"',
    "const d = `import d from './d.ts'`",
    "const e = /import e from '.\\/e.ts'/",
    'const f = 4 / 2 // import("./f.ts")',
    "const g = /['\"/*]/.test(x) // import './g.ts'",
    "export const from = 'x'",
  ].join('\n')
  assert.deepEqual(specifiers(text), [])
})

test('keeps line numbers', () => {
  const text = "/* one\ntwo */\nconst t = `\n`\nimport a from './a.ts'"
  assert.deepEqual(findImports(text), [{ specifier: './a.ts', line: 5 }])
})

test('code is what is left without comments, strings and regular expressions', () => {
  assert.equal(codeOf("const a = 'Date.now' // Math.random"), "const a = '' ")
  // biome-ignore lint/suspicious/noTemplateCurlyInString: it is source text
  assert.match(codeOf('const b = `x ${Date.now()} y`'), /Date\.now\(\)/)
})
