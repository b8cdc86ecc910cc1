import assert from 'node:assert/strict'
import { readFileSync } from 'node:fs'
import { describe, it } from 'node:test'
import { errorStatus, isErrorCode } from './error-status.ts'

const documented = [
  ...readFileSync(new URL('../../docs/errors.md', import.meta.url), 'utf8').matchAll(
    /^\| `(\w+)` \| (\d+) \| (.+) \|$/gm,
  ),
].map(([, code = '', status, meaning = '']) => ({ code, status: Number(status), meaning }))

describe('error codes', () => {
  it('are each explained once in docs/errors.md, with their status', () => {
    const stated = Object.entries(errorStatus).map(([code, status]) => `${code} ${status}`)
    assert.deepEqual(documented.map(({ code, status }) => `${code} ${status}`).sort(), stated.sort())
    for (const { code, meaning } of documented) assert.match(meaning, /^[A-Z`].*[.]$/, code)
  })
  it('have statuses of failures', () => {
    for (const [code, status] of Object.entries(errorStatus)) assert.ok(status >= 400 && status <= 599, code)
  })
  it('are told from other texts', () => {
    assert.equal(isErrorCode('CASE_UNKNOWN'), true)
    for (const text of ['case_unknown', '', '__proto__', 'constructor', 'toString'])
      assert.equal(isErrorCode(text), false)
  })
})
