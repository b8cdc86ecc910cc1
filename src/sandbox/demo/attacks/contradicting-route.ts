import { ConcordatError } from '../../core/error.ts'
import { waitFor } from '../play.ts'
import { commitByHand, signByHand } from './hand-signed.ts'
import { type Attack, clientOf, codeOf, honestData, memberOf, playCase, recordOf, type Stage } from './stage.ts'

export const contradictingRoute: Attack = {
  name: 'contradicting-route',
  title: 'A route that contradicts its data: Social Security Scotland says "qualifies" and "no award", and moves on',
  why: "Who may see the data re-runs the rules on it; here the council's node disputes the record by itself.",
  async run(stage) {
    const agency = memberOf(stage, 'agency')
    const caseId = await playCase(stage, { scenario: 'granted', until: 'check-residence', key: 'route' })
    const signed = await signByHand(stage, agency, {
      blueprint: stage.network.blueprint,
      case: caseId,
      step: 'confirm-award',
      prev: [await recordOf(stage, caseId, 'check-residence')],
      next: ['decide'],
      bind: {},
      data: { ...honestData(stage, 'granted', 'confirm-award'), routeCode: 'NONE' },
      inTheNameOf: agency,
    })
    await commitByHand(stage, agency, signed)
    const checks = await disputedBy(stage, { member: 'council', caseId, record: signed.submission.id })
    const data = honestData(stage, 'granted', 'decide')
    const decide = () =>
      clientOf(stage, 'council').submitAction({ case: caseId, step: 'decide', data, idempotencyKey: 'decide-anyway' })
    return [
      { what: "the council's node, unasked", expected: 'DISPUTED: route', got: `DISPUTED: ${checks}` },
      { what: 'deciding on it all the same', expected: 'OPENING_WAITS', got: await codeOf(decide) },
    ]
  },
}

/** Waits for the member's dispute of the record to be committed; answers what its node found to contradict, `nothing` if none comes. */
export async function disputedBy(
  stage: Stage,
  { member, caseId, record }: { member: string; caseId: string; record: string },
): Promise<string> {
  const client = clientOf(stage, member)
  const disputed = waitFor(stage.clock, async () => {
    const { disputes } = await client.getCase(caseId)
    return disputes.some((dispute) => dispute.record === record)
  })
  const came = await disputed.then(
    () => true,
    (error: unknown) => {
      if (error instanceof ConcordatError) throw error
      return false
    },
  )
  if (!came) return 'nothing'
  const { records } = await client.getCase(caseId)
  const findings = records.find((candidate) => candidate.record === record)?.verdict?.findings ?? []
  const against = findings.filter(({ verdict }) => verdict === 'contradicts').map(({ check }) => check)
  return [...new Set(against)].sort().join(', ')
}
