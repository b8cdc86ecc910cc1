import { signByHand } from './hand-signed.ts'
import { type Attack, clientOf, codeOf, honestData, memberOf, playCase, recordOf, repeat, submitRaw } from './stage.ts'

const KEY = 'double-submit'

export const doubleSubmit: Attack = {
  name: 'double-submit',
  title: 'A double submit: Social Security Scotland answers the same question twice',
  why: 'Each opening of a step is used up by one record, so there is never a second answer beside the first.',
  async run(stage) {
    const agency = memberOf(stage, 'agency')
    const caseId = await playCase(stage, { scenario: 'granted', until: 'confirm-award', key: KEY })
    const first = await recordOf(stage, caseId, 'confirm-award')
    // A click too many, or a retry after a broken line: the same key, the same record.
    const again = await repeat(stage, { scenario: 'granted', step: 'confirm-award', caseId, key: KEY })
    const data = { ...honestData(stage, 'granted', 'confirm-award'), companion: false }
    const asked = () =>
      clientOf(stage, 'agency').submitAction({ case: caseId, step: 'confirm-award', data, idempotencyKey: 'second' })
    const { submission } = await signByHand(stage, agency, {
      blueprint: stage.network.blueprint,
      case: caseId,
      step: 'confirm-award',
      prev: [await recordOf(stage, caseId, 'check-residence')],
      next: ['decide'],
      bind: {},
      data,
      inTheNameOf: agency,
    })
    return [
      {
        what: 'the same request again, as after a broken line: the same answer, no second record',
        expected: 'SAME_RECORD',
        got: again === first ? 'SAME_RECORD' : again,
      },
      { what: 'another answer through its own node', expected: 'STEP_NOT_OPEN', got: await codeOf(asked) },
      {
        what: 'another answer signed by hand',
        expected: 'OPENING_USED',
        got: await submitRaw(stage, agency, submission.jws),
      },
    ]
  },
}
