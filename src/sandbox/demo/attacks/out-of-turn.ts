import { signAnswer } from './hand-signed.ts'
import { type Attack, clientOf, codeOf, honestData, memberOf, nameOf, playCase, recordOf, submitRaw } from './stage.ts'

export const outOfTurn: Attack = {
  name: 'out-of-turn',
  title: (stage) =>
    `A step out of turn: ${nameOf(stage, 'agency')} answers before ${nameOf(stage, 'council')} has asked`,
  why: () => 'A step opens only when the steps before it are done; every node refuses it by the same rule.',
  async run(stage) {
    const { scenario, answer: step } = stage.cast
    const caseId = await playCase(stage, { scenario, until: 'apply', key: 'out-of-turn' })
    const data = honestData(stage, scenario, step)
    const asked = () =>
      clientOf(stage, 'agency').submitAction({ case: caseId, step, data, idempotencyKey: 'too-early' })
    const { submission } = await signAnswer(stage, caseId, { prev: [await recordOf(stage, caseId, 'apply')] })
    return [
      { what: 'through its own node', expected: 'STEP_NOT_OPEN', got: await codeOf(asked) },
      {
        what: 'signed by hand and sent straight to the register',
        expected: 'STEP_NOT_OPEN',
        got: await submitRaw(stage, memberOf(stage, 'agency'), submission.jws),
      },
    ]
  },
}
