import { digest } from '../../../core/crypto/hash.ts'
import type { MemberNode } from '../../member-node.ts'
import { signEntryByHand } from './hand-signed.ts'
import {
  type Attack,
  clientOf,
  codeOf,
  honestData,
  memberOf,
  nameOf,
  playCase,
  recordOf,
  type Stage,
  submitRaw,
} from './stage.ts'

/** Of the Blue Badge: `bystander` has not been shown the answer, and `review-panel` decides disputes about it. */
export const falseDispute: Attack = {
  name: 'false-dispute',
  title: (stage) => `A false dispute: ${nameOf(stage, 'council')} disputes an answer that is as it should be`,
  why: () =>
    'A dispute is an entry under the name of who raises it. It can hold a case up until a third party has decided, and undo nothing by itself.',
  async run(stage) {
    const { scenario, answer, bystander } = stage.cast
    const caseId = await playCase(stage, { scenario, until: answer, key: 'false-dispute' })
    const record = await recordOf(stage, caseId, answer)
    const council = clientOf(stage, 'council')
    const raise = (idempotencyKey: string) =>
      council.raiseDispute({
        case: caseId,
        record,
        role: 'council',
        reason: 'contradicts',
        explanation: 'The award does not give the right to a badge.',
        idempotencyKey,
      })
    const decide = () => {
      const data = honestData(stage, scenario, 'decide')
      return council.submitAction({ case: caseId, step: 'decide', data, idempotencyKey: 'decide-disputed' })
    }
    const unseen = await disputedByHand(stage, memberOf(stage, bystander), { caseId, record, as: bystander })
    const ownOne = await disputedByHand(stage, memberOf(stage, 'agency'), { caseId, record, as: 'agency' })
    const { dispute } = await raise('false-dispute')
    const waiting = await codeOf(decide)
    const inOwnCause = await signEntryByHand(stage, memberOf(stage, 'council'), 'resolve', {
      bp: stage.network.blueprint,
      case: caseId,
      dispute,
      as: 'council',
      outcome: 'upheld',
      correction: null,
    })
    const ownDecision = await submitRaw(stage, memberOf(stage, 'council'), inOwnCause)
    const panel = clientOf(stage, 'review-panel')
    const decision = { case: caseId, dispute, role: 'review-panel', outcome: 'rejected' as const }
    await panel.resolveDispute({ ...decision, idempotencyKey: 'reject' })
    const again = await codeOf(() => raise('once-more'))
    const { disputes, records, open } = await council.getCase(caseId)
    const stands = records.some((other) => other.record === record && !other.void)
    const goesOn = open.some(({ step, waits }) => step === 'decide' && !waits)
    const outcome = disputes.find((other) => other.dispute === dispute)?.end?.outcome
    return [
      {
        what: `by ${nameOf(stage, bystander)}, which was not shown the answer, signed by hand`,
        expected: 'DISPUTE_NOT_ENTITLED',
        got: unseen,
      },
      { what: 'by its own signer, signed by hand', expected: 'DISPUTE_BY_SIGNER', got: ownOne },
      { what: 'by the council, which then wants to decide all the same', expected: 'OPENING_WAITS', got: waiting },
      { what: 'upheld by the council itself, signed by hand', expected: 'RESOLVE_NOT_ALLOWED', got: ownDecision },
      {
        what: `decided by ${nameOf(stage, 'review-panel')}: the answer stands, the case goes on`,
        expected: 'REJECTED',
        got: outcome === 'rejected' && stands && goesOn ? 'REJECTED' : `${outcome}`,
      },
      { what: 'raised by the council once more', expected: 'DISPUTE_REPEATED', got: again },
    ]
  },
}

async function disputedByHand(
  stage: Stage,
  signer: MemberNode,
  { caseId, record, as }: { caseId: string; record: string; as: string },
): Promise<string> {
  const claims = { bp: stage.network.blueprint, case: caseId, record, as, reason: 'contradicts' as const }
  const jws = await signEntryByHand(stage, signer, 'dispute', { ...claims, explanation: digest('') })
  return submitRaw(stage, signer, jws)
}
