import { propertiesOf, testCases, unchanged } from '../../../../test/blueprint-cases.ts'
import { disclosureOf, SAMPLE_MEMBERS, stepOf } from '../../../../test/sample-blueprint.ts'

testCases('errors', [
  {
    code: 'BIND_ROLE_UNUSED',
    at: '/steps/1/bind/1',
    fails: (b) => {
      b.roles.push({ id: 'idle', title: 'Idle', kind: 'member', open: true })
      stepOf(b, 'assess').bind!.push({ role: 'idle', field: '/note' })
    },
    nearMiss: (b) => {
      b.roles.push({ id: 'idle', title: 'Idle', kind: 'member', open: true })
      stepOf(b, 'assess').bind!.push({ role: 'idle', field: '/note' })
      stepOf(b, 'inspect').disclosures.push({ ...disclosureOf(b, 'inspect', 0), to: 'idle', fields: ['/passed'] })
    },
  },
  {
    code: 'BIND_ROLE_BOUND_ALREADY',
    at: '/steps/1/bind/0',
    fails: (b) => {
      stepOf(b, 'assess').bind![0]!.role = 'registry'
    },
    nearMiss: unchanged,
  },
  {
    code: 'BIND_FIELD_NOT_TEXT',
    at: '/steps/1/bind/0/field',
    fails: (b) => {
      propertiesOf(b, 'assess').inspector = { type: 'integer' }
    },
    nearMiss: (b) => {
      propertiesOf(b, 'assess').inspector = { type: 'string' }
    },
  },
  {
    code: 'ROLE_NEVER_BOUND',
    at: '/roles/2',
    fails: (b) => void delete stepOf(b, 'assess').bind,
    nearMiss: (b) => {
      delete stepOf(b, 'assess').bind
      b.roles[2] = { id: 'inspector', title: 'Inspector', kind: 'member', member: SAMPLE_MEMBERS.inspector }
    },
  },
  {
    code: 'ROLE_NOT_FIXED_OR_OPEN',
    at: '/roles/1',
    fails: (b) => void delete b.roles[1]!.member,
    nearMiss: (b) => {
      b.roles[1] = { id: 'council', title: 'Council', kind: 'member', fixed: true }
    },
  },
  {
    code: 'PERSON_NOT_SERVED',
    at: '/roles/0/servedBy',
    fails: (b) => {
      b.roles[0]!.servedBy = []
    },
    nearMiss: (b) => {
      b.roles[0]!.servedBy = ['council', 'inspector']
    },
  },
  {
    code: 'ROLE_MAY_BE_UNBOUND',
    at: '/steps/2/role',
    fails: (b) => {
      stepOf(b, 'assess').schema.required = ['verdict', 'fee']
    },
    nearMiss: unchanged,
  },
])
