import { signAnswer } from './hand-signed.ts'
import { type Attack, clientOf, codeOf, honestData, memberOf, nameOf, playCase, submitRaw } from './stage.ts'

export const wrongMember: Attack = {
  name: 'wrong-member',
  title: (stage) =>
    `By the wrong member: ${nameOf(stage, stage.cast.stranger)} answers in the place of ${nameOf(stage, 'agency')}`,
  why: () => 'The process says who acts at a step; a signature by anyone else does not count, and cannot be made up.',
  async run(stage) {
    const { scenario, asked: until, answer: step, bystander } = stage.cast
    const stranger = memberOf(stage, stage.cast.stranger)
    const caseId = await playCase(stage, { scenario, until, key: 'wrong-member' })
    const data = honestData(stage, scenario, step)
    const asked = (id: string) =>
      codeOf(() => clientOf(stage, id).submitAction({ case: caseId, step, data, idempotencyKey: 'not-mine' }))
    const own = await signAnswer(stage, caseId, { signer: stranger, inTheNameOf: stranger })
    const forged = await signAnswer(stage, caseId, { signer: stranger })
    return [
      {
        what: 'through its own node, which knows no such case',
        expected: 'CASE_UNKNOWN',
        got: await asked(stage.cast.stranger),
      },
      {
        what: `${nameOf(stage, bystander)}, which has a part in the case, through its own node`,
        expected: 'SIGNER_NOT_BOUND_TO_ROLE',
        got: await asked(bystander),
      },
      {
        what: 'signed by hand with its own name',
        expected: 'SIGNER_NOT_BOUND_TO_ROLE',
        got: await submitRaw(stage, stranger, own.submission.jws),
      },
      {
        what: "signed by hand with the agency's name",
        expected: 'SIGNATURE_INVALID',
        got: await submitRaw(stage, stranger, forged.submission.jws),
      },
    ]
  },
}
