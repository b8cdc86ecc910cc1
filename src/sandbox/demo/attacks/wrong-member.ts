import { signByHand } from './hand-signed.ts'
import { type Attack, clientOf, codeOf, honestData, memberOf, playCase, recordOf, submitRaw } from './stage.ts'

export const wrongMember: Attack = {
  name: 'wrong-member',
  title: 'By the wrong member: the card bureau answers in the place of Social Security Scotland',
  why: 'The process says who acts at a step; a signature by anyone else does not count, and cannot be made up.',
  async run(stage) {
    const bureau = memberOf(stage, 'bureau')
    const agency = memberOf(stage, 'agency')
    const caseId = await playCase(stage, { scenario: 'granted', until: 'check-residence', key: 'wrong-member' })
    const data = honestData(stage, 'granted', 'confirm-award')
    const asked = (id: string) =>
      codeOf(() =>
        clientOf(stage, id).submitAction({ case: caseId, step: 'confirm-award', data, idempotencyKey: 'not-mine' }),
      )
    const act = {
      blueprint: stage.network.blueprint,
      case: caseId,
      step: 'confirm-award',
      prev: [await recordOf(stage, caseId, 'check-residence')],
      next: ['decide'],
      bind: {},
      data,
    }
    const own = await signByHand(stage, bureau, { ...act, inTheNameOf: bureau })
    const forged = await signByHand(stage, bureau, { ...act, inTheNameOf: agency })
    return [
      { what: 'through its own node, which knows no such case', expected: 'CASE_UNKNOWN', got: await asked('bureau') },
      {
        what: 'Transport Scotland, which has a part in the case, through its own node',
        expected: 'SIGNER_NOT_BOUND_TO_ROLE',
        got: await asked('transport'),
      },
      {
        what: 'signed by hand with its own name',
        expected: 'SIGNER_NOT_BOUND_TO_ROLE',
        got: await submitRaw(stage, bureau, own.submission.jws),
      },
      {
        what: "signed by hand with the agency's name",
        expected: 'SIGNATURE_INVALID',
        got: await submitRaw(stage, bureau, forged.submission.jws),
      },
    ]
  },
}
