import type { JsonObject } from '../../../core/canonical-json.ts'
import { toBase64url } from '../../../core/crypto/base64url.ts'
import { signByHand } from './hand-signed.ts'
import { type Attack, clientOf, codeOf, honestData, memberOf, nameOf, scenarioOf, submitRaw } from './stage.ts'

export const missingApproval: Attack = {
  name: 'missing-approval',
  title: (stage) => `A case of a changed process that ${nameOf(stage, stage.cast.unasked)} has not approved`,
  why: () =>
    'A version of the process is in force only when every organisation named in it has approved that very text.',
  async run(stage) {
    const { network, random, cast } = stage
    const { members, steps } = scenarioOf(stage, cast.scenario)
    const changed = { ...(network.document as unknown as JsonObject), version: '1.0.1' }
    const council = clientOf(stage, 'council')
    const { proposal, blueprint } = await council.propose({ document: changed, idempotencyKey: 'propose-changed' })
    const { roles } = network.document
    const named = roles.filter(({ fixed, open }) => fixed === true || open === true).map(({ id }) => members[id]!)
    for (const id of new Set(named)) {
      if (id === cast.unasked) continue
      const open = roles.filter((role) => role.open === true && members[role.id] === id).map((role) => role.id)
      const approval = { proposal, target: blueprint, roles: open, idempotencyKey: 'approve-changed' }
      await clientOf(stage, id).approve(approval)
    }
    const data = honestData(stage, cast.scenario, 'apply')
    const asked = () => council.startCase({ blueprint, role: 'applicant', data, idempotencyKey: 'unapproved' })
    const signer = memberOf(stage, 'council')
    const { submission } = await signByHand(stage, signer, {
      blueprint,
      case: toBase64url(random(16)),
      step: 'apply',
      prev: [],
      next: [steps[1]!.step],
      bind: { applicant: signer.member },
      data,
      inTheNameOf: signer,
    })
    return [
      { what: "through the council's own node", expected: 'BLUEPRINT_NOT_LIVE', got: await codeOf(asked) },
      {
        what: 'signed by hand by the council',
        expected: 'BLUEPRINT_NOT_LIVE',
        got: await submitRaw(stage, signer, submission.jws),
      },
    ]
  },
}
