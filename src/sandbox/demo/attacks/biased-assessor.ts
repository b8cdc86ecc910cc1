import { getStep } from '../../../core/blueprint/blueprint.ts'
import { findBlueprint } from '../../../core/ledger/state.ts'
import type { MemberNode } from '../../member-node.ts'
import { signByHand } from './hand-signed.ts'
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

const SCENARIO = 'assessed'
const STEP = 'arrange-assessment'

/** Of the Blue Badge, where the council names the assessor of each case. */
export const biasedAssessor: Attack = {
  name: 'biased-assessor',
  title: (stage) =>
    `The assessor is the applicant's own helper: ${nameOf(stage, 'council')}, through which the applicant applies, names itself`,
  why: () => 'The process says which roles must not be of one member, and only who has agreed to assess can be named.',
  async run(stage) {
    const caseId = await playCase(stage, { scenario: SCENARIO, until: 'send-evidence', key: 'biased-assessor' })
    const helper = memberOf(stage, 'council')
    const asked = () =>
      clientOf(stage, 'council').submitAction({
        case: caseId,
        step: STEP,
        data: { ...honestData(stage, SCENARIO, STEP), assessor: helper.member },
        idempotencyKey: 'biased-assessor',
      })
    const beforeItAgreed = await arrangedByHand(stage, caseId)
    await agreeToAssess(stage, helper)
    return [
      { what: 'signed by hand, without having agreed to assess', expected: 'ROLE_NOT_ELIGIBLE', got: beforeItAgreed },
      {
        what: 'after it has put itself down as an assessor, through its own node',
        expected: 'BIND_MEMBERS_NOT_DISTINCT',
        got: await codeOf(asked),
      },
      { what: 'the same, signed by hand', expected: 'ROLES_NOT_DISTINCT', got: await arrangedByHand(stage, caseId) },
    ]
  },
}

/** Whoever is a member may take part in an open role. */
async function agreeToAssess({ network }: Stage, { storage }: MemberNode): Promise<void> {
  const { register, blueprint } = network
  const { proposal } = findBlueprint(await storage.readRows(register, [`blueprint/${blueprint}`]), blueprint)!
  const approval = { proposal, target: blueprint, roles: ['assessor'], idempotencyKey: 'agree-to-assess' }
  await network.clients.get('council')!.approve(approval)
}

async function arrangedByHand(stage: Stage, caseId: string): Promise<string> {
  const council = memberOf(stage, 'council')
  const assessor = council.member
  const { routes } = getStep(stage.network.document, STEP)
  const { submission } = await signByHand(stage, council, {
    blueprint: stage.network.blueprint,
    case: caseId,
    step: STEP,
    prev: [await recordOf(stage, caseId, 'send-evidence')],
    next: routes[0]!.to,
    bind: { assessor },
    data: { ...honestData(stage, SCENARIO, STEP), assessor },
    inTheNameOf: council,
  })
  return submitRaw(stage, council, submission.jws)
}
