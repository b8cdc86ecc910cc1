import assert from 'node:assert/strict'
import { test } from 'node:test'
import type { JsonObject, JsonValue } from '../../canonical-json.ts'
import { advance } from '../advance.ts'
import type { Blueprint, Step } from '../blueprint.ts'
import { checkBlueprint } from '../check/check-blueprint.ts'
import { importSiccar } from './import-siccar.ts'

// SICCAR's own files are proprietary: these samples are written from a description of the format.

const AS_OF = 1_771_934_400 // 2026-02-24

test('an application with a branch, a calculation and files of other audiences runs', () => {
  const { blueprint, losses, steps, roles } = importSiccar(application())
  assert.deepEqual(checkBlueprint(blueprint).errors, [])
  assert.deepEqual(steps, { 1: 'apply', 2: 'assess', 3: 'confirm' })
  assert.deepEqual(Object.values(roles), ['applicant-0001', 'council-0002', 'role'])
  const applied = advance(
    blueprint,
    { values: {}, sees: {}, bound: {} },
    { step: 'apply', role: 'applicant-0001', data: { fullName: 'Ada', rent: 650.5, area: 'West' } },
    AS_OF,
  )
  assert.deepEqual([applied.data.yearly, applied.next], [7_806, ['assess']])

  const disclosed = step(blueprint, 'apply').disclosures.map(({ to, fields }) => [to, fields])
  assert.deepEqual(disclosed, [['council-0002', ['/fullName', '/rent', '/yearly']]])
  const dropped = losses.filter(({ kind }) => kind === 'DISCLOSURE_DROPPED').map(({ what }) => what)
  assert.deepEqual(dropped, ['area to TrackingData', '/area to Authorized'])
  const ignored = losses.filter(({ kind }) => kind === 'NOT_CARRIED').map(({ what }) => what)
  for (const key of ['additionalRecipients', 'requiredActionData', 'participants', 'useStealthAddress']) {
    assert.ok(ignored.includes(key), key)
  }
  assert.ok(losses.some(({ kind, what }) => kind === 'SCHEMA_KEYWORD_DROPPED' && what === '$id'))
})

test('the form is read from controlType, and a display rule of the older style is a loss', () => {
  const { blueprint, losses } = importSiccar(application())
  assert.deepEqual(step(blueprint, 'apply').form, [
    { field: '/fullName', label: 'Name', control: 'text-line' },
    { field: '/rent', label: 'Monthly rent', control: 'number' },
  ])
  assert.ok(losses.some(({ kind, what }) => kind === 'FORM_DROPPED' && what === 'conditions of a control'))
})

test('a condition yields an action, the next one for what is no number, an end below zero or beyond the last', () => {
  const targets = (condition: JsonValue) => step(importSiccar(loop(condition)).blueprint, 'two').routes
  const go = { var: 'two.go' }
  assert.deepEqual(targets(1), [{ to: ['one'] }])
  assert.deepEqual(targets('3'), [{ to: ['three'] }])
  assert.deepEqual(targets(-1), [{ to: [] }])
  assert.deepEqual(targets(4), [{ to: [] }])
  assert.deepEqual(targets(true), [{ to: ['three'] }])
  assert.deepEqual(targets(null), [{ to: ['three'] }])
  assert.deepEqual(targets({ if: [{ '==': [{ var: 'go' }, 'back'] }, 1, { '==': [{ var: 'go' }, 'stop'] }, -1, 3] }), [
    { to: ['one'], when: { '==': [go, 'back'] } },
    { to: [], when: { '==': [go, 'stop'] } },
    { to: ['three'] },
  ])
  assert.deepEqual(targets('{"if": [{"==": [{"var": "go"}, "back"]}, 1, 3]}'), [
    { to: ['one'], when: { '==': [go, 'back'] } },
    { to: ['three'] },
  ])
})

test('a condition that computes its number is a loss, and the branch goes on', () => {
  const { blueprint, losses } = importSiccar(loop({ '+': [1, { var: 'go' }] }))
  assert.deepEqual(step(blueprint, 'two').routes, [{ to: ['three'] }])
  assert.ok(losses.some(({ kind, at }) => kind === 'ROUTE_DROPPED' && at === '/actions/1/condition'))
})

test('what belongs to Sorcha, or to nobody, is refused with its place', () => {
  const refused = (value: JsonValue, code: string, at: string) =>
    assert.throws(
      () => importSiccar(value),
      (error: { code: string; detail: { at: string } }) => error.code === code && error.detail.at === at,
    )
  const sample = application()
  const [first, ...others] = sample.actions as JsonObject[]
  refused({ ...sample, actions: [{ ...first!, routes: [] }, ...others] }, 'IMPORT_FORMAT_UNKNOWN', '/actions/0/routes')
  refused({ ...sample, format: 'concordat-blueprint/1' }, 'IMPORT_FORMAT_UNKNOWN', '/format')
  refused({ title: 'Only a title' }, 'IMPORT_FORMAT_UNKNOWN', '')
  refused({ ...sample, version: '3.1' }, 'IMPORT_INVALID', '/version')
  refused({ ...sample, actions: [{ ...first!, sender: 'stranger' }] }, 'IMPORT_INVALID', '/actions/0/sender')
  refused({ ...sample, actions: [first!, first!] }, 'IMPORT_INVALID', '/actions/1/id')
})

function application(): JsonObject {
  return {
    id: 'b7c1',
    title: 'Rent support',
    description: 'Support with rent',
    version: 3,
    participants: [
      {
        id: 'applicant-0001',
        name: 'Applicant',
        organisation: 'Public',
        walletAddress: 'ws1a',
        useStealthAddress: true,
      },
      { id: 'council-0002', name: 'Council', organisation: 'Council', walletAddress: 'ws1c' },
      { id: '0003', name: 'Auditor', organisation: 'Audit', walletAddress: 'ws1d' },
    ],
    actions: [
      {
        id: 1,
        title: 'Apply',
        sender: 'applicant-0001',
        previousTxId: '',
        dataSchemas: [
          {
            $schema: 'https://json-schema.org/draft/2020-12/schema',
            $id: 'https://example.org/apply',
            type: 'object',
            required: ['fullName', 'rent', 'area'],
            properties: {
              fullName: { $id: 'name', type: 'string' },
              rent: { $id: 'rent', type: 'number' },
              area: { $id: 'area', type: 'string', enum: ['West', 'East'] },
            },
          },
        ],
        calculations: { yearly: { '*': [{ var: 'rent' }, 12] } },
        participants: [{ prinicpal: 'council-0002', criteria: [] }],
        additionalRecipients: ['0003'],
        disclosures: [
          { participantAddress: 'ws1c', dataPointers: ['name', '/rent'] },
          { participantAddress: 'council-0002', dataPointers: ['yearly'] },
          { participantAddress: 'TrackingData', dataPointers: ['area'] },
          { participantAddress: 'Authorized', dataPointers: ['/area'] },
        ],
        condition: { if: [{ '==': [{ var: 'area' }, 'West'] }, 2, -1] },
        form: {
          controlType: 'Layout',
          layout: 'VerticalLayout',
          elements: [
            { controlType: 'TextLine', title: 'Name', scope: 'name', conditions: ['{"==": [1, 1]}'] },
            { controlType: 'Numeric', title: 'Monthly rent', scope: '$.rent' },
          ],
        },
      },
      {
        id: 2,
        title: 'Assess',
        sender: 'council-0002',
        requiredActionData: ['rent', 'comment'],
        dataSchemas: [{ type: 'object', properties: { granted: { type: 'boolean' } }, required: ['granted'] }],
        disclosures: [{ participantAddress: 'applicant-0001', dataPointers: ['/granted'] }],
      },
      { id: 3, title: 'Confirm', sender: 'applicant-0001' },
    ],
  }
}

function loop(condition: JsonValue): JsonObject {
  const schema = { type: 'object', properties: { go: { type: 'string' } }, required: ['go'] }
  return {
    title: 'A loop',
    participants: [{ id: 'a' }, { id: 'b' }],
    actions: [
      { id: 1, title: 'One', sender: 'a' },
      { id: 2, title: 'Two', sender: 'b', dataSchemas: [schema], condition },
      { id: 3, title: 'Three', sender: 'a' },
    ],
  }
}

function step(blueprint: Blueprint, id: string): Step {
  return blueprint.steps.find((candidate) => candidate.id === id)!
}
