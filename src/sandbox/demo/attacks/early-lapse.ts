import { opaqueStepId } from '../../../core/blueprint/blueprint.ts'
import { signEntryByHand } from './hand-signed.ts'
import { type Attack, clientOf, codeOf, memberOf, nameOf, playCase, recordOf, submitRaw } from './stage.ts'

/** Of the Blue Badge, where a case goes on without an answer that does not come in time. */
export const earlyLapse: Attack = {
  name: 'early-lapse',
  title: (stage) =>
    `A lapse entered too early: ${nameOf(stage, 'council')} wants to go on without waiting for ${nameOf(stage, 'agency')}`,
  why: () =>
    "Each deadline is counted by every node alike, from the times on the register and the calendar that was agreed, not from anybody's clock.",
  async run(stage) {
    const { scenario, asked, answer: step } = stage.cast
    const { network } = stage
    const caseId = await playCase(stage, { scenario, until: asked, key: 'early-lapse' })
    const council = memberOf(stage, 'council')
    const client = clientOf(stage, 'council')
    const { due } = (await client.getCase(caseId)).open.find((open) => open.step === step)!
    const throughNode = () =>
      client.enterLapse({
        case: caseId,
        role: 'council',
        what: { type: 'opening', step },
        idempotencyKey: 'early-lapse',
      })
    const claims = {
      bp: network.blueprint,
      case: caseId,
      as: 'council',
      what: {
        type: 'opening' as const,
        step: opaqueStepId(network.document, step),
        prev: [await recordOf(stage, caseId, asked)],
        next: [opaqueStepId(network.document, 'decide')],
      },
    }
    const onTime = await signEntryByHand(stage, council, 'lapse', claims)
    const dated = await signEntryByHand({ ...stage, clock: { now: () => due! + 1 } }, council, 'lapse', claims)
    return [
      { what: 'through its own node', expected: 'LAPSE_TOO_EARLY', got: await codeOf(throughNode) },
      { what: 'signed by hand', expected: 'LAPSE_TOO_EARLY', got: await submitRaw(stage, council, onTime) },
      {
        what: 'signed by hand and dated after the deadline',
        expected: 'ENTRY_FROM_FUTURE',
        got: await submitRaw(stage, council, dated),
      },
    ]
  },
}
