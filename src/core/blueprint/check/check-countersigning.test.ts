import { testCases } from '../../../../test/blueprint-cases.ts'
import { stepOf } from '../../../../test/sample-blueprint.ts'

const HOURS = { count: 240, unit: 'hours', calendar: null } as const

testCases('errors', [
  {
    code: 'DISPUTE_WITHOUT_RESOLVER',
    at: '/steps/1/dispute/resolver',
    fails: (b) => {
      stepOf(b, 'assess').dispute!.resolver = null
    },
    nearMiss: (b) => void delete stepOf(b, 'assess').dispute,
  },
  {
    code: 'DISPUTE_WITHOUT_DEFAULT',
    at: '/steps/1/dispute/default',
    fails: (b) => void delete stepOf(b, 'assess').dispute!.default,
    nearMiss: (b) => {
      stepOf(b, 'assess').dispute!.default = 'uphold'
    },
  },
  {
    code: 'DISPUTE_RESOLVER_IS_SIGNER',
    at: '/steps/1/dispute/resolver',
    fails: (b) => {
      stepOf(b, 'assess').dispute!.resolver = 'council'
    },
    nearMiss: (b) => {
      stepOf(b, 'assess').dispute!.resolver = 'inspector'
    },
  },
  {
    code: 'CONFIRM_WITHOUT_DEFAULT',
    at: '/steps/1/confirm/default',
    fails: (b) => {
      stepOf(b, 'assess').confirm = { roles: ['registry'], deadline: HOURS }
    },
    nearMiss: (b) => {
      stepOf(b, 'assess').confirm = { roles: ['registry'], deadline: HOURS, default: 'reject' }
    },
  },
  {
    code: 'CONFIRM_BY_SIGNER',
    at: '/steps/1/confirm/roles/1',
    fails: (b) => {
      stepOf(b, 'assess').confirm = { roles: ['registry', 'council'], deadline: HOURS, default: 'accept' }
    },
    nearMiss: (b) => {
      stepOf(b, 'assess').confirm = { roles: ['registry', 'applicant'], deadline: HOURS, default: 'accept' }
    },
  },
])
