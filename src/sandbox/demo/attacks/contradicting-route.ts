import { ConcordatError } from '../../../core/error.ts'
import { waitFor } from '../../play.ts'
import { commitByHand, signAnswer } from './hand-signed.ts'
import { type Attack, clientOf, codeOf, honestData, memberOf, nameOf, playCase, playOn, type Stage } from './stage.ts'

const KEY = 'route'

export const contradictingRoute: Attack = {
  name: 'contradicting-route',
  title: (stage) =>
    `A route that contradicts its data: ${nameOf(stage, 'agency')} says "qualifies" and "no award", and moves on`,
  why: () => "Who may see the data re-runs the rules on it; here the council's node disputes the record by itself.",
  async run(stage) {
    const { scenario, asked, answer, beside, contradiction } = stage.cast
    const caseId = await playCase(stage, { scenario, until: asked, key: KEY })
    const signed = await signAnswer(stage, caseId, {
      data: { ...honestData(stage, scenario, answer), ...contradiction },
    })
    await commitByHand(stage, memberOf(stage, 'agency'), signed)
    const checks = await disputedBy(stage, { member: 'council', caseId, record: signed.submission.id })
    for (const step of beside) await playOn(stage, { scenario, step, caseId, key: KEY })
    const data = honestData(stage, scenario, 'decide')
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
