import { signAnswer } from './hand-signed.ts'
import {
  type Attack,
  clientOf,
  codeOf,
  honestData,
  memberOf,
  nameOf,
  playCase,
  recordOf,
  repeat,
  submitRaw,
} from './stage.ts'

const KEY = 'double-submit'

export const doubleSubmit: Attack = {
  name: 'double-submit',
  title: (stage) => `A double submit: ${nameOf(stage, 'agency')} answers the same question twice`,
  why: () => 'Each opening of a step is used up by one record, so there is never a second answer beside the first.',
  async run(stage) {
    const { scenario, answer: step, otherAnswer } = stage.cast
    const caseId = await playCase(stage, { scenario, until: step, key: KEY })
    const first = await recordOf(stage, caseId, step)
    // A click too many, or a retry after a broken line: the same key, the same record.
    const again = await repeat(stage, { scenario, step, caseId, key: KEY })
    const data = { ...honestData(stage, scenario, step), ...otherAnswer }
    const asked = () => clientOf(stage, 'agency').submitAction({ case: caseId, step, data, idempotencyKey: 'second' })
    const { submission } = await signAnswer(stage, caseId, { data })
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
        got: await submitRaw(stage, memberOf(stage, 'agency'), submission.jws),
      },
    ]
  },
}
