import { signByHand } from './hand-signed.ts'
import { type Attack, clientOf, codeOf, honestData, memberOf, playCase, recordOf, submitRaw } from './stage.ts'

export const outOfTurn: Attack = {
  name: 'out-of-turn',
  title: 'A step out of turn: Social Security Scotland answers before the council has asked',
  why: 'A step opens only when the steps before it are done; every node refuses it by the same rule.',
  async run(stage) {
    const agency = memberOf(stage, 'agency')
    const caseId = await playCase(stage, { scenario: 'granted', until: 'apply', key: 'out-of-turn' })
    const data = honestData(stage, 'granted', 'confirm-award')
    const asked = () =>
      clientOf(stage, 'agency').submitAction({ case: caseId, step: 'confirm-award', data, idempotencyKey: 'too-early' })
    const { submission } = await signByHand(stage, agency, {
      blueprint: stage.network.blueprint,
      case: caseId,
      step: 'confirm-award',
      prev: [await recordOf(stage, caseId, 'apply')],
      next: ['decide'],
      bind: {},
      data,
      inTheNameOf: agency,
    })
    return [
      { what: 'through its own node', expected: 'STEP_NOT_OPEN', got: await codeOf(asked) },
      {
        what: 'signed by hand and sent straight to the register',
        expected: 'STEP_NOT_OPEN',
        got: await submitRaw(stage, agency, submission.jws),
      },
    ]
  },
}
