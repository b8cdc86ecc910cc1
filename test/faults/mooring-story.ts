import type { Blueprint, Disclosure, Step } from '../../src/core/blueprint/blueprint.ts'
import type { JsonObject, JsonValue } from '../../src/core/canonical-json.ts'
import type { Story } from '../../src/sandbox/scenario.ts'

/** Those with a part in a mooring from its beginning. */
export const MOORING_MEMBERS = ['yard', 'harbour', 'surveyor', 'insurer', 'tribunal'] as const

/** Within which a survey is made; then the case goes on without it. */
export const SURVEY_HOURS = 120
/** Within which a survey (else it counts) and a quote (else it does not) are countersigned. */
export const CONFIRM_HOURS = 48

/**
 * Organisations alone, six of them, so that two may be down. Whoever orders, the pilots, has no part in a case before its last step, so that it
 * enters no lapse.
 *
 *   ask (yard) -> assign (harbour) -> survey (surveyor; the insurer countersigns) -> berth (harbour) -> end
 *                        |        \-> quote (insurer; the harbour countersigns) ----/   |
 *                        \--------------------------- no survey needed ----------------/
 */
export function mooringStory(): Story {
  return {
    blueprint: JSON.parse(JSON.stringify(MOORING)) as JsonValue,
    members: [
      { id: 'pilots', name: 'Skerryvane Pilots', voting: true },
      { id: 'yard', name: 'Ardmoyle Boatyard', voting: true },
      { id: 'harbour', name: 'Port Kinvarra Harbour Trust', voting: true },
      { id: 'surveyor', name: 'Tolsay Marine Surveyors', voting: true },
      { id: 'insurer', name: 'Brannoch Mutual', voting: true },
      { id: 'tribunal', name: 'Harbours Tribunal of Skerryvane', voting: true },
    ],
    scenarios: [
      {
        name: 'mooring',
        title: 'A mooring',
        about: 'Who plays which role, and when it begins.',
        startsAt: '2026-11-02T09:05:00Z',
        members: Object.fromEntries(['pilots', ...MOORING_MEMBERS].map((id) => [id, id])),
        steps: [
          {
            kind: 'action',
            step: 'ask',
            by: 'yard',
            minutesLater: 0,
            actor: { kind: 'client', name: 'test', signIn: 'access token' },
            data: { length: 12 },
            corrects: false,
            expect: { next: ['assign'], calculated: {} },
          },
        ],
        expected: { path: ['ask'], ended: false, values: {}, seen: {} },
      },
    ],
  }
}

function tell(to: string, fields: string[], step?: string): Disclosure {
  const about = step === undefined ? {} : { step }
  return { to, ...about, fields, purpose: 'Moor a boat', basis: 'Contract', retention: 'file' }
}

function closed(properties: JsonObject): JsonObject {
  return { type: 'object', additionalProperties: false, required: Object.keys(properties), properties }
}

function hours(count: number) {
  return { count, unit: 'hours' as const, calendar: null }
}

const ASK: Step = {
  id: 'ask',
  title: 'Ask for a mooring',
  role: 'yard',
  subject: 'yard',
  retention: 'file',
  schema: closed({ length: { type: 'integer', minimum: 1, maximum: 200 } }),
  disclosures: [tell('harbour', ['/length']), tell('insurer', ['/length'])],
  routes: [{ to: ['assign'] }],
}

const ASSIGN: Step = {
  id: 'assign',
  title: 'Say whether a survey is needed, and what the mooring costs',
  role: 'harbour',
  subject: 'yard',
  retention: 'file',
  schema: closed({
    survey: { type: 'string', enum: ['yes', 'no'] },
    surveyor: { type: 'string', pattern: '^[A-Za-z0-9_-]{43}$' },
    nights: { type: 'integer', minimum: 1, maximum: 365 },
    charge: { type: 'string', format: 'decimal' },
  }),
  calculations: [{ field: '/charge', rule: { '*': [{ var: 'ask.length' }, { var: 'assign.nights' }, '2.5'] } }],
  bind: [{ role: 'surveyor', field: '/surveyor' }],
  disclosures: [
    tell('yard', ['/survey', '/surveyor', '/nights', '/charge']),
    tell('insurer', ['/survey', '/surveyor', '/nights', '/charge']),
    tell('surveyor', ['/survey', '/surveyor']),
    tell('surveyor', ['/length'], 'ask'),
  ],
  routes: [
    { to: ['survey', 'quote'], when: { '===': [{ var: 'assign.survey' }, 'yes'] } },
    { to: ['berth'], when: { '===': [{ var: 'assign.survey' }, 'no'] } },
  ],
  dispute: { window: hours(336), resolver: 'tribunal', deadline: hours(240), default: 'reject' },
}

const SURVEY: Step = {
  id: 'survey',
  title: 'Survey the boat',
  role: 'surveyor',
  subject: 'yard',
  retention: 'file',
  schema: closed({ sound: { type: 'string', enum: ['yes', 'no'] } }),
  disclosures: [tell('harbour', ['/sound']), tell('insurer', ['/sound'])],
  routes: [{ to: ['berth'] }],
  deadline: hours(SURVEY_HOURS),
  lapse: { to: ['berth'] },
  confirm: { roles: ['insurer'], deadline: hours(CONFIRM_HOURS), default: 'accept' },
}

const QUOTE: Step = {
  id: 'quote',
  title: 'Quote a premium',
  role: 'insurer',
  subject: 'yard',
  retention: 'file',
  schema: closed({ premium: { type: 'integer', minimum: 1, maximum: 100_000 } }),
  disclosures: [tell('harbour', ['/premium']), tell('yard', ['/premium'])],
  routes: [{ to: ['berth'] }],
  confirm: { roles: ['harbour'], deadline: hours(CONFIRM_HOURS), default: 'reject' },
}

const BERTH: Step = {
  id: 'berth',
  title: 'Give a berth',
  role: 'harbour',
  subject: 'yard',
  retention: 'file',
  schema: closed({
    berth: { type: 'string', minLength: 1, maxLength: 20 },
    pilots: { type: 'string', pattern: '^[A-Za-z0-9_-]{43}$' },
  }),
  bind: [{ role: 'pilots', field: '/pilots' }],
  disclosures: [tell('yard', ['/berth', '/pilots']), tell('pilots', ['/berth'])],
  join: { mode: 'all', steps: ['survey', 'quote'] },
  routes: [{ to: [] }],
}

const MOORING: Blueprint = {
  format: 'concordat-blueprint/1',
  name: 'mooring',
  version: '1.0.0',
  title: 'A mooring',
  justification: 'Six organisations agree about one boat, and none takes orders from another.',
  dpia: { reference: 'DPIA-7', date: '2026-01-31' },
  roles: [
    { id: 'yard', title: 'Yard', kind: 'member', open: true },
    { id: 'harbour', title: 'Harbour', kind: 'member', fixed: true },
    { id: 'surveyor', title: 'Surveyor', kind: 'member', open: true },
    { id: 'insurer', title: 'Insurer', kind: 'member', fixed: true },
    { id: 'pilots', title: 'Pilots', kind: 'member', open: true },
    { id: 'tribunal', title: 'Tribunal', kind: 'member', fixed: true },
  ],
  retention: [{ id: 'file', years: 6, reason: 'A charge may be challenged for five years' }],
  threshold: { fraction: [2, 3] },
  review: null,
  start: 'ask',
  steps: [ASK, ASSIGN, SURVEY, QUOTE, BERTH],
}
