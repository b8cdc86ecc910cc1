import assert from 'node:assert/strict'
import { readFileSync } from 'node:fs'
import { describe, it } from 'node:test'
import { ConcordatError } from '../core/error.ts'
import { describeFailure } from './failure.ts'

describe('what a command says that did not do its work', () => {
  const json = false

  it('names the code, the facts and what else is known, and exits by the code', () => {
    const refused = new ConcordatError({ code: 'CLOCK_SKEW', expected: 'near', got: 'far', limitSeconds: 60 })
    assert.deepEqual(describeFailure(refused, { json }), {
      text: 'CLOCK_SKEW: expected near; got far (limitSeconds 60)\n',
      exitCode: 1,
    })
    const [wrong, later] = (['CONNECTION_INCOMPLETE', 'REMOTE_UNREACHABLE'] as const).map((code) =>
      describeFailure(new ConcordatError({ code, expected: 'one', got: 'none' }), { json }),
    )
    assert.deepEqual([wrong!.exitCode, later!.exitCode], [2, 3])
  })

  it('is one JSON object for programs', () => {
    const detail = { code: 'OPTION_INVALID', expected: 'one', got: 'another', option: '--key' } as const
    const { text } = describeFailure(new ConcordatError(detail), { json: true })
    assert.deepEqual(JSON.parse(text), detail)
    assert.equal(text.indexOf('\n'), text.length - 1)
  })

  it('tells what the operating system refuses from a fault of the program', () => {
    const failureOf = (fail: () => unknown): unknown => {
      try {
        return fail()
      } catch (error) {
        return error
      }
    }
    const refusal = failureOf(() => readFileSync('/nowhere/at/all'))
    assert.deepEqual(describeFailure(refusal, { json }), {
      text: 'SYSTEM_REFUSED: expected a file, folder or port that can be used; got ENOENT (call open) (where /nowhere/at/all)\n',
      exitCode: 2,
    })
    const fault = describeFailure(new TypeError('x is not a function'), { json: true })
    assert.equal(fault.exitCode, 70)
    assert.match(fault.text, /^This is a fault in the program.*\nTypeError: x is not a function\n/)
  })
})
