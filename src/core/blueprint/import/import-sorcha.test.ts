import assert from 'node:assert/strict'
import { globSync } from 'node:fs'
import { join } from 'node:path'
import { test } from 'node:test'
import { readSharedJson, sharedVectorsAbsent } from '../../../../test/vectors/shared-vectors.ts'
import type { JsonObject, JsonValue } from '../../canonical-json.ts'
import { type Blueprint, parseBlueprint, type Step } from '../blueprint.ts'
import { checkBlueprint } from '../check/check-blueprint.ts'
import type { Imported } from './build-blueprint.ts'
import { importSorcha } from './import-sorcha.ts'
import type { LossKind } from './losses.ts'

const FOLDER = 'blueprints/sorcha'
const skip = sharedVectorsAbsent

interface Expected {
  /** Codes and places that checkBlueprint reports: what the source's author left undone. */
  errors: string[]
  /** Kinds beside those that every import has. */
  losses: LossKind[]
}

/** What is missing in every file of the predecessors. */
const ALWAYS: LossKind[] = ['MEMBERS_ASSUMED', 'NOT_CARRIED', 'SUBJECT_ASSUMED', 'TO_BE_WRITTEN']
const ENDLESS = ['LOOP_WITHOUT_EXIT /steps/0/routes', 'LOOP_WITHOUT_EXIT /steps/1/routes']
const PING_PONG: Expected = { errors: ENDLESS, losses: ['DISCLOSURE_MISSING'] }

const FILES: Record<string, Expected> = {
  'blueprints/examples/benefits/moderate-disability-assessment.json': {
    errors: [],
    losses: [
      'DEAD_END',
      'FORM_DROPPED',
      'PERSON_SUSPECTED',
      'ROUTE_ASSUMED',
      'ROUTING_INTERPRETED',
      'RULE_DEFAULT_ASSUMED',
      'SCHEMA_CHANGED',
      'SCHEMA_KEYWORD_DROPPED',
    ],
  },
  'blueprints/examples/benefits/simple-unemployment-claim.json': {
    errors: [],
    losses: ['DEAD_END', 'PERSON_SUSPECTED', 'ROUTING_INTERPRETED', 'RULE_DEFAULT_ASSUMED', 'SCHEMA_KEYWORD_DROPPED'],
  },
  // The patient's target acts again only at the fourth action, so the two between them are never reached.
  'blueprints/examples/healthcare/moderate-medical-records-sharing.json': {
    errors: ['STEP_UNREACHABLE /steps/1', 'STEP_UNREACHABLE /steps/2'],
    losses: [
      'DEAD_END',
      'FORM_DROPPED',
      'PERSON_SUSPECTED',
      'ROUTE_DROPPED',
      'ROUTING_INTERPRETED',
      'SCHEMA_KEYWORD_DROPPED',
    ],
  },
  'blueprints/examples/healthcare/simple-patient-referral.json': {
    errors: [],
    losses: ['DEAD_END', 'PERSON_SUSPECTED', 'ROUTING_INTERPRETED', 'SCHEMA_KEYWORD_DROPPED'],
  },
  // Both outcomes of the clearance name somebody who only acts earlier, so nothing leads to the delivery.
  'blueprints/examples/supply-chain/moderate-international-shipping.json': {
    errors: [
      ...ENDLESS,
      'LOOP_WITHOUT_EXIT /steps/2/routes',
      'LOOP_WITHOUT_EXIT /steps/3/routes',
      'STEP_UNREACHABLE /steps/4',
    ],
    losses: ['DEAD_END', 'ROUTE_DROPPED', 'ROUTING_INTERPRETED', 'RULE_DEFAULT_ASSUMED', 'SCHEMA_KEYWORD_DROPPED'],
  },
  // The template discloses nothing to anybody, yet two approvers' rules read what the requester's action calculated.
  'blueprints/templates/approval-workflow-template.json': {
    errors: ['RULE_READS_UNSEEN /steps/1/routes/2/when', 'RULE_READS_UNSEEN /steps/2/routes/2/when'],
    losses: [
      'DISCLOSURE_MISSING',
      'ROUTING_INTERPRETED',
      'RULE_DEFAULT_ASSUMED',
      'RULE_READS_UNSEEN',
      'TEMPLATE_EXPANDED',
    ],
  },
  'blueprints/templates/license-approval-template.json': {
    errors: [],
    losses: ['DISCLOSURE_MISSING', 'PERSON_SUSPECTED', 'ROUTE_ASSUMED'],
  },
  'blueprints/templates/loan-application-template.json': {
    errors: [],
    losses: ['DEAD_END', 'PERSON_SUSPECTED', 'ROUTING_INTERPRETED', 'RULE_ROUNDED', 'TEMPLATE_EXPANDED'],
  },
  'blueprints/templates/ping-pong-template.json': PING_PONG,
  'blueprints/templates/register-creation-v1.json': { errors: [], losses: [] },
  'blueprints/templates/register-governance-v1.json': {
    errors: [0, 1, 2, 3, 4].map((step) => `LOOP_WITHOUT_EXIT /steps/${step}/routes`),
    losses: ['DISCLOSURE_MISSING', 'RULE_DEFAULT_ASSUMED', 'RULE_INPUT_ADDED'],
  },
  'blueprints/templates/supply-chain-order-template.json': {
    errors: [],
    losses: ['DISCLOSURE_MISSING', 'ROUTING_INTERPRETED', 'TEMPLATE_EXPANDED'],
  },
  'blueprints/templates/work-order-template.json': { errors: [], losses: ['DISCLOSURE_MISSING'] },
  'walkthroughs/ConstructionPermit/construction-permit-template.json': {
    errors: [],
    losses: ['DISCLOSES_UNSEEN', 'REJECTION_AS_FIELDS'],
  },
  'walkthroughs/OrganizationPingPong/templates/ping-pong-template.json': PING_PONG,
  'walkthroughs/PingPong/templates/ping-pong-template.json': PING_PONG,
}

test('every blueprint and template of the shared vectors is in the table', { skip }, () => {
  const root = join(import.meta.dirname, '../../../../../shared/vectors', FOLDER)
  const found = globSync('**/*.json', { cwd: root }).filter((file) => !/config\.json$|\/data\//.test(file))
  assert.deepEqual(found.sort(), Object.keys(FILES).sort())
})

for (const [file, expected] of Object.entries(FILES)) {
  test(`${file} is imported`, { skip }, () => {
    const { blueprint, losses } = importSorcha(readSharedJson<JsonValue>(`${FOLDER}/${file}`))
    assert.deepEqual(parseBlueprint(copyOf(blueprint)), blueprint)
    const { errors } = checkBlueprint(blueprint)
    assert.deepEqual(errors.map(({ code, at }) => `${code} ${at}`).sort(), [...expected.errors].sort())
    const kinds = new Set(losses.map(({ kind }) => kind))
    const without = file.includes('register-') ? ALWAYS.filter((kind) => kind !== 'NOT_CARRIED') : ALWAYS
    assert.deepEqual(
      [...kinds].filter((kind) => kind !== 'NOT_CARRIED').sort(),
      [...new Set([...without, ...expected.losses].filter((kind) => kind !== 'NOT_CARRIED'))].sort(),
    )
    assert.ok(losses.every(({ at, what, why }) => /^(\/|$)/.test(at) && what !== '' && why !== ''))
  })
}

test('a template is expanded with other parameters too', { skip }, () => {
  const template = readSharedJson<JsonValue>(`${FOLDER}/blueprints/templates/approval-workflow-template.json`)
  const { blueprint } = importSorcha(template, { requiresComplianceReview: true, requiresExecutiveApproval: false })
  assert.deepEqual(
    blueprint.steps.map(({ id, role }) => `${id} ${role}`),
    [
      'submit-request requester',
      'compliance-review compliance',
      'manager-approval manager',
      'director-approval director',
    ],
  )
})

test('routes keep their order, with the default last and silence as an end', () => {
  const { blueprint, losses } = importSorcha(
    process([
      action(0, 'a', {
        dataSchemas: [{ type: 'object', properties: { n: { type: 'number' } }, required: ['n'] }],
        routes: [
          { id: 'd', nextActionIds: [1], isDefault: true },
          { id: 'c', nextActionIds: [], condition: { '>': [{ var: 'n' }, 3] } },
        ],
      }),
      action(1, 'b', { routes: [{ id: 'x', nextActionIds: [0], condition: { '>': [{ var: 'n' }, 1] } }] }),
    ]),
  )
  assert.deepEqual(step(blueprint, 'action-0').routes, [
    { to: [], when: { '>': [{ var: 'action-0.n' }, 3] } },
    { to: ['action-1'] },
  ])
  assert.deepEqual(step(blueprint, 'action-1').routes.at(-1), { to: [] })
  assert.ok(kinds(losses).includes('ROUTE_ASSUMED'))
  assert.ok(kinds(losses).includes('RULE_READS_UNSEEN'))
})

test('a rule reads the newest step that supplies a name and that its role sees', () => {
  const n = { type: 'object', properties: { n: { type: 'number' } } }
  const { blueprint } = importSorcha(
    process([
      action(1, 'a', {
        dataSchemas: [{ ...n, required: ['n'] }],
        disclosures: [{ participantAddress: 'c', dataPointers: ['/n'] }],
        routes: [
          { nextActionIds: [3], condition: { '<': [{ var: 'n' }, 0] } },
          { nextActionIds: [2], isDefault: true },
        ],
      }),
      action(2, 'b', {
        dataSchemas: [n],
        disclosures: [{ participantAddress: 'c', dataPointers: ['#/n'] }],
        routes: [{ nextActionIds: [3], isDefault: true }],
      }),
      action(3, 'c', {
        dataSchemas: [{ type: 'object', properties: { m: { type: 'number' } } }],
        calculations: { total: { '+': [{ var: 'n' }, { var: 'm' }, { var: 'later' }] } },
        routes: [{ nextActionIds: [4], isDefault: true }],
      }),
      action(4, 'a', { dataSchemas: [{ type: 'object', properties: { later: { type: 'integer' } } }] }),
    ]),
  )
  assert.deepEqual(step(blueprint, 'action-3').calculations, [
    {
      field: '/total',
      rule: { '+': [{ var: ['action-2.n', { var: 'action-1.n' }] }, { var: ['action-3.m', 0] }, 0] },
    },
  ])
  assert.deepEqual(checkBlueprint(blueprint).errors, [])
})

test('a pointer that the own data lacks discloses the earlier step, an object all its fields, and nothing to the signer', () => {
  const { blueprint, losses } = importSorcha(
    process([
      action(0, 'a', {
        dataSchemas: [
          {
            type: 'object',
            properties: {
              name: { type: 'object', properties: { given: { type: 'string' }, family: { type: 'string' } } },
              plain: { type: 'string' },
            },
          },
        ],
        disclosures: [{ participantAddress: 'b', dataPointers: ['/plain', 'plain'] }],
        routes: [{ nextActionIds: [1], isDefault: true }],
      }),
      action(1, 'b', {
        disclosures: [
          { participantAddress: 'c', dataPointers: ['/name', '/nothing'] },
          { participantAddress: 'a', dataPointers: ['/name', '/*'] },
          { participantAddress: '0xNOBODY', dataPointers: ['/name'] },
        ],
      }),
    ]),
  )
  const disclosed = blueprint.steps.map(({ disclosures }) =>
    disclosures.map(({ to, step: from, fields }) => ({ to, from, fields })),
  )
  assert.deepEqual(disclosed, [
    [{ to: 'b', from: undefined, fields: ['/plain'] }],
    [{ to: 'c', from: 'action-0', fields: ['/name/given', '/name/family'] }],
  ])
  const dropped = losses.filter(({ kind }) => kind === 'DISCLOSURE_DROPPED').map(({ at }) => at)
  assert.deepEqual(dropped.sort(), ['/actions/1/disclosures/0/dataPointers/1', '/actions/1/disclosures/2'])
  assert.ok(kinds(losses).includes('DISCLOSES_UNSEEN'))
})

test('branches that meet get a join, and a rejection closes the sisters of its branch', () => {
  const { blueprint, losses } = importSorcha(
    process([
      action(0, 'a', { routes: [{ nextActionIds: [1, 2], isDefault: true }] }),
      action(1, 'b', { routes: [{ nextActionIds: [3], isDefault: true }], rejectionConfig: { targetActionId: 0 } }),
      action(2, 'c', { routes: [{ nextActionIds: [3], isDefault: true }] }),
      action(3, 'a', { routes: [{ nextActionIds: [], isDefault: true }] }),
    ]),
  )
  assert.deepEqual(step(blueprint, 'action-3').join, { mode: 'all', steps: ['action-1', 'action-2'] })
  assert.deepEqual(step(blueprint, 'action-1').routes[0], {
    to: ['action-0'],
    when: { var: ['action-1.rejected', false] },
    closes: ['action-2', 'action-3'],
  })
  assert.ok(kinds(losses).includes('JOIN_ADDED'))
  assert.deepEqual(checkBlueprint(blueprint).errors, [])
})

test('criteria of the older style lead to the participant whose all hold, else the branch ends', () => {
  const criteria = ['{">": [{"var": "n"}, 5]}', '{"<": [{"var": "n"}, 9]}']
  const { blueprint } = importSorcha(
    process([
      action(0, 'a', {
        dataSchemas: [{ type: 'object', properties: { n: { type: 'number' } }, required: ['n'] }],
        participants: [
          { principal: 'c', criteria },
          { prinicpal: 'b', criteria: [] },
        ],
      }),
      action(1, 'b', {}),
      action(2, 'c', {}),
    ]),
  )
  const n = { var: 'action-0.n' }
  assert.deepEqual(step(blueprint, 'action-0').routes, [
    { to: ['action-2'], when: { and: [{ '>': [n, 5] }, { '<': [n, 9] }] } },
    { to: ['action-1'] },
  ])
})

test('a form keeps groups, labels, controls and what shows a field', () => {
  const { blueprint, losses } = importSorcha(
    process([
      action(0, 'a', {
        dataSchemas: [
          {
            type: 'object',
            required: ['kind'],
            properties: {
              kind: { type: 'string', enum: ['x', 'y'] },
              why: { type: 'string', description: 'In your own words' },
              rows: { type: 'array', items: { type: 'object', properties: { sum: { type: 'number' } } } },
            },
          },
        ],
        form: {
          type: 'Layout',
          layout: 'VerticalLayout',
          elements: [
            {
              type: 'Layout',
              layout: 'Group',
              title: 'First',
              elements: [
                { type: 'Selection', scope: '#/properties/kind', title: 'Kind' },
                {
                  type: 'TextArea',
                  scope: '/why',
                  rule: { effect: 'HIDE', condition: { scope: '/kind', schema: { const: 'x' } } },
                },
              ],
            },
            {
              type: 'Layout',
              scope: '/rows',
              title: 'Rows',
              elements: [{ type: 'Numeric', scope: '/rows/sum', title: 'Sum' }],
            },
            { type: 'Label', title: 'Some words' },
            { type: 'TextLine', scope: '/nothing', title: 'Gone' },
          ],
        },
      }),
    ]),
  )
  assert.deepEqual(step(blueprint, 'action-0').form, [
    {
      group: 'First',
      items: [
        { field: '/kind', label: 'Kind', control: 'selection' },
        {
          field: '/why',
          label: 'why',
          hint: 'In your own words',
          when: { '!': [{ '===': [{ var: ['action-0.kind', ''] }, 'x'] }] },
          control: 'text-area',
        },
      ],
    },
    { field: '/rows', label: 'Rows', items: [{ field: '/sum', label: 'Sum', control: 'number' }] },
  ])
  assert.equal(losses.filter(({ kind }) => kind === 'FORM_DROPPED').length, 2)
  assert.deepEqual(checkBlueprint(blueprint).errors, [])
})

test('what is nobody’s to take over is named, once for each key', () => {
  const { losses } = importSorcha(
    process([
      action(0, 'a', {
        credentialRequirements: [{ type: 'X' }],
        routes: [{ nextActionIds: [1], isDefault: true, branchDeadline: 'P3D' }],
      }),
      action(1, 'b', { credentialIssuanceConfig: { credentialType: 'X' }, additionalRecipients: ['c'] }),
    ]),
  )
  const named = losses.filter(({ kind }) => kind === 'NOT_CARRIED').map(({ what, count }) => `${what} ${count}`)
  assert.deepEqual(named.sort(), [
    'additionalRecipients 1',
    'branchDeadline 1',
    'credentialIssuanceConfig 1',
    'credentialRequirements 1',
    'walletAddress 3',
  ])
})

function process(actions: JsonObject[]): JsonObject {
  const participants = ['a', 'b', 'c'].map((id) => ({ id, name: id.toUpperCase(), walletAddress: `0x${id}` }))
  return { id: 'sample', title: 'A sample', version: 2, participants, actions }
}

function action(id: number, sender: string, more: JsonObject): JsonObject {
  return { id, title: `Action ${id}`, sender, ...more }
}

function step(blueprint: Blueprint, id: string): Step {
  return blueprint.steps.find((candidate) => candidate.id === id)!
}

function kinds(losses: Imported['losses']): string[] {
  return losses.map(({ kind }) => kind)
}

function copyOf(blueprint: Blueprint): JsonValue {
  return structuredClone(blueprint) as unknown as JsonValue
}
