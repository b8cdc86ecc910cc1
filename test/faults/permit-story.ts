import { parseScenario } from '../../src/core/blueprint/simulate/scenario.ts'
import type { JsonValue } from '../../src/core/canonical-json.ts'
import type { Story } from '../../src/sandbox/scenario.ts'
import { sampleBlueprint, sampleData, stepOf } from '../sample-blueprint.ts'

const TOLD = { purpose: 'Watch over the permits', basis: 'Public task', retention: 'file' }
const DISPUTE = {
  window: { count: 336, unit: 'hours', calendar: null },
  resolver: 'registry',
  deadline: { count: 240, unit: 'hours', calendar: null },
  default: 'reject',
} as const

/**
 * The sample process among three members, of which the first orders. The registry sees enough of an assessment to check all of
 * it; the inspector sees little of the application.
 *
 *   apply (council, for the applicant) -> assess (council) -> inspect (inspector) -> end
 */
export function permitStory(): Story {
  const blueprint = sampleBlueprint()
  const assess = stepOf(blueprint, 'assess')
  assess.disclosures = [
    ...assess.disclosures,
    { to: 'registry', fields: ['/verdict', '/inspector', '/fee'], ...TOLD },
    { to: 'registry', step: 'apply', fields: ['/share'], ...TOLD },
  ]
  stepOf(blueprint, 'inspect').dispute = DISPUTE
  const template = JSON.parse(JSON.stringify(blueprint))
  for (const role of template.roles) {
    if (role.member === undefined) continue
    role.member = undefined
    role.fixed = true
  }
  return {
    blueprint: JSON.parse(JSON.stringify(template)) as JsonValue,
    members: [
      { id: 'council', name: 'Council', voting: true },
      { id: 'inspector', name: 'Inspector', voting: true },
      { id: 'registry', name: 'Registry', voting: true },
    ],
    scenarios: [
      parseScenario({
        name: 'permit',
        title: 'A permit',
        about: 'Applied for, assessed, inspected.',
        startsAt: '2026-11-02T09:05:00Z',
        members: { applicant: 'council', council: 'council', inspector: 'inspector', registry: 'registry' },
        steps: [
          {
            step: 'apply',
            by: 'applicant',
            actor: ACTOR,
            data: sampleData().apply,
            expect: { next: ['assess'], calculated: {} },
          },
          {
            step: 'assess',
            by: 'council',
            actor: ACTOR,
            data: assessment(),
            expect: { next: ['inspect'], calculated: {} },
          },
          {
            step: 'inspect',
            by: 'inspector',
            actor: ACTOR,
            data: sampleData().inspect,
            expect: { next: [], calculated: {} },
          },
        ],
        expected: { path: ['apply', 'assess', 'inspect'], ended: true, values: {}, seen: {} },
      }),
    ],
  }
}

const ACTOR = { kind: 'client', name: 'test', signIn: 'access token' }

function assessment() {
  return { verdict: 'inspect', inspector: { $member: 'inspector' } }
}
