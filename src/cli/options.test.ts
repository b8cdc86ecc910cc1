import assert from 'node:assert/strict'
import { describe, it } from 'node:test'
import { ConcordatError } from '../core/error.ts'
import { parseOneOf, parseTime } from './options.ts'

/** In words that are the same whatever was given. */
function refused(parse: () => unknown, option: string, expected: string): void {
  assert.throws(parse, (error) => {
    assert.ok(error instanceof ConcordatError)
    assert.deepEqual(error.detail, { code: 'OPTION_INVALID', expected, got: 'something else', option })
    return true
  })
}

describe('options', () => {
  it('take a time with its offset, to the second', () => {
    assert.equal(parseTime('--until', '2026-12-24T23:59:59Z'), 1_798_156_799)
    assert.equal(parseTime('--until', '2026-12-25T00:59:59+01:00'), 1_798_156_799)
    assert.equal(parseTime('--until', '1970-01-01T00:00:00Z'), 0)
  })
  it('take no other time', () => {
    for (const text of [
      '1798156799',
      '2026-12-24',
      '2026-12-24T23:59:59',
      '2026-12-24T23:59Z',
      '2026-12-24T23:59:59.5Z',
      '2026-12-24 23:59:59Z',
      '2026-02-30T00:00:00Z',
      '2026-13-01T00:00:00Z',
      '2026-12-24T24:00:00Z',
      '2026-12-24T23:59:60Z',
      '2026-12-24T23:59:59+25:00',
      '1969-12-31T23:59:59Z',
      'tomorrow at nine',
    ]) {
      refused(() => parseTime('--until', text), '--until', 'a time such as 2026-12-24T23:59:59Z')
    }
  })
  it('take one of some values', () => {
    const parse = parseOneOf('--accept', ['yes', 'no'])
    assert.deepEqual([parse('yes'), parse('no')], ['yes', 'no'])
    for (const text of ['Yes', 'toString', ' yes', '']) refused(() => parse(text), '--accept', 'one of yes, no')
  })
})
