import { waitFor } from '../../play.ts'
import { signEntryByHand } from './hand-signed.ts'
import { type Attack, clientOf, codeOf, honestData, memberOf, nameOf, playCase, recordOf, submitRaw } from './stage.ts'

const SCENARIO = 'assessed'
const STEP = 'assess'

/**
 * Of the Blue Badge, where the council countersigns that an assessment was made, and silence accepts. Lets the story's time pass
 * until it has.
 */
export const unconfirmed: Attack = {
  name: 'unconfirmed',
  title: (stage) => `A confirmation never given: ${nameOf(stage, 'council')} leaves an assessment lying`,
  why: () =>
    "What follows from silence is agreed beforehand, and the first node that notices enters it: nobody's silence holds a case up for ever.",
  async run(stage) {
    const caseId = await playCase(stage, { scenario: SCENARIO, until: STEP, key: 'unconfirmed' })
    const record = await recordOf(stage, caseId, STEP)
    const council = clientOf(stage, 'council')
    const assessor = memberOf(stage, 'assessor')
    const decide = () => {
      const data = honestData(stage, SCENARIO, 'decide')
      return council.submitAction({ case: caseId, step: 'decide', data, idempotencyKey: 'decide-unconfirmed' })
    }
    const claims = { bp: stage.network.blueprint, case: caseId, as: 'assessor' }
    const ownYes = await signEntryByHand(stage, assessor, 'confirm', { ...claims, record, accept: true })
    const silence = await signEntryByHand(stage, assessor, 'lapse', { ...claims, what: { type: 'confirm', record } })
    const attempts = [
      { what: 'the council decides without it', expected: 'STEP_NOT_OPEN', got: await codeOf(decide) },
      {
        what: 'the assessor countersigns its own record, signed by hand',
        expected: 'CONFIRM_BY_SIGNER',
        got: await submitRaw(stage, assessor, ownYes),
      },
      {
        what: 'the assessor calls it silence while there is time, signed by hand',
        expected: 'LAPSE_TOO_EARLY',
        got: await submitRaw(stage, assessor, silence),
      },
    ]
    const { confirmation } = (await council.getCase(caseId)).records.find((other) => other.record === record)!
    stage.clock.advanceTo(confirmation!.due + 1)
    let accepted = false
    await waitFor(stage.clock, async () => {
      const { acts, open } = await council.getCase(caseId)
      accepted = open.some(({ step, waits }) => step === 'decide' && !waits)
      return acts.some((act) => act.kind === 'lapse' && act.what.type === 'confirm' && act.what.record === record)
    })
    return [
      ...attempts,
      {
        what: 'the deadline passes, and a node enters it unasked: the case goes on',
        expected: 'ACCEPTED',
        got: accepted ? 'ACCEPTED' : 'STEP_NOT_OPEN',
      },
    ]
  },
}
