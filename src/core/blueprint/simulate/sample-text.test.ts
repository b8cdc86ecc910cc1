import assert from 'node:assert/strict'
import { test } from 'node:test'
import fc from 'fast-check'
import { seededPick, textOfPattern } from './sample-text.ts'

const PATTERNS = [
  '^[A-Z]{1,2}[0-9][A-Z0-9]? [0-9][A-Z]{2}$',
  '^QQ[0-9]{6}[A-D]$',
  '^(one|two|three)(-[a-z]+)*$',
  '^(?:a|b(c|d)?){2,3}$',
  '^\\d{4}-\\d\\d$',
  '^[^a-z ]{3,}$',
  '^\\S+@\\S+\\.example$',
  '^.{0,5}$',
  '^[\\d.]+$',
  '^[a-]$',
]

test('a text of a pattern matches it, whatever is chosen', () => {
  fc.assert(
    fc.property(fc.constantFrom(...PATTERNS), fc.nat(), (pattern, seed) => {
      const text = textOfPattern(pattern, seededPick(seed))
      assert.match(text ?? 'none', new RegExp(pattern, 'u'))
    }),
    { numRuns: 1_000 },
  )
})

test('the same seed chooses the same, so that exploring is the same everywhere', () => {
  const texts = (seed: number) => PATTERNS.map((pattern) => textOfPattern(pattern, seededPick(seed)))
  assert.deepEqual(texts(7), texts(7))
  assert.notDeepEqual(texts(7), texts(8))
})

const unknown = ['^(?=a)b$', '^\\p{L}+$', '^[]$', '^(a$', '^[a$', '^\\bx$']
for (const pattern of unknown) {
  test(`no text is guessed for ${pattern}`, () => assert.equal(textOfPattern(pattern, seededPick(1)), undefined))
}
