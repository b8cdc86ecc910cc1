import type { Route, Step } from '../src/core/blueprint/blueprint.ts'
import type { Change } from './blueprint-cases.ts'

/** A step of the council's with one field, `choice`, by which its routes are told apart. */
type PlainStep = Partial<Omit<Step, 'routes'>> & { routes: Route[] }

/** The sample with other steps, the first of which starts; every one is the council's, and the registry sees what it chooses. */
export function process(steps: Readonly<Record<string, PlainStep>>): Change {
  return (blueprint) => {
    blueprint.review = null
    blueprint.start = Object.keys(steps)[0]!
    blueprint.steps = Object.entries(steps).map(([id, step]) => ({
      id,
      title: id,
      role: 'council',
      subject: 'applicant',
      retention: 'file',
      schema: {
        type: 'object',
        additionalProperties: false,
        required: ['choice'],
        properties: { choice: { type: 'string', maxLength: 100 } },
      },
      disclosures: [{ to: 'registry', fields: ['/choice'], purpose: 'Check', basis: 'Public task', retention: 'file' }],
      ...step,
      routes: step.routes.map((route, i) => {
        const last = i === step.routes.length - 1
        return last || route.when !== undefined ? route : { ...route, when: chose(id, String(i)) }
      }),
    }))
  }
}

/** The condition that `choice` of a step was this. */
export function chose(step: string, choice: string): { '===': [{ var: string }, string] } {
  return { '===': [{ var: `${step}.choice` }, choice] }
}
