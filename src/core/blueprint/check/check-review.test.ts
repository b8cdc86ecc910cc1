import { testCases } from '../../../../test/blueprint-cases.ts'
import { disclosureOf, SAMPLE_MEMBERS, stepOf } from '../../../../test/sample-blueprint.ts'

testCases('errors', [
  {
    code: 'REVIEW_REQUEST_ROUTED',
    at: '/steps/2/routes/1/to',
    fails: (b) => {
      stepOf(b, 'inspect').routes[1]!.to = ['ask']
    },
    nearMiss: (b) => {
      stepOf(b, 'inspect').routes[1]!.to = ['rehear']
    },
  },
  {
    code: 'REVIEW_REQUEST_ROUTED',
    at: '/steps/2/lapse/to',
    fails: (b) => {
      stepOf(b, 'inspect').deadline = { count: 90, unit: 'hours', calendar: null }
      stepOf(b, 'inspect').lapse = { to: ['ask'] }
    },
    nearMiss: (b) => {
      stepOf(b, 'inspect').deadline = { count: 90, unit: 'hours', calendar: null }
      stepOf(b, 'inspect').lapse = { to: ['assess'] }
    },
  },
  {
    code: 'REVIEW_REQUEST_ROUTED',
    at: '/review/request/1',
    fails: (b) => {
      b.review!.request = ['ask', 'withdraw']
    },
    nearMiss: (b) => {
      b.steps.push({ ...stepOf(b, 'ask'), id: 'ask2' })
      b.review!.request = ['ask', 'ask2']
    },
  },
  {
    code: 'REVIEW_REQUEST_WITH_PARTS',
    at: '/steps/4/deadline',
    fails: (b) => {
      stepOf(b, 'ask').deadline = { count: 90, unit: 'hours', calendar: null }
    },
    nearMiss: (b) => {
      stepOf(b, 'rehear').deadline = { count: 90, unit: 'hours', calendar: null }
    },
  },
  {
    code: 'REVIEW_DECIDER_IS_FIRST',
    at: '/review/decide',
    fails: (b) => {
      b.review!.of = ['inspect', 'assess']
      stepOf(b, 'rehear').role = 'council'
    },
    nearMiss: (b) => {
      stepOf(b, 'rehear').role = 'council'
    },
  },
  {
    code: 'REVIEW_DECIDER_IS_FIRST',
    at: '/review/decide',
    // Another role, but of the same member.
    fails: (b) => {
      b.review!.of = ['inspect', 'assess']
      b.roles[3]!.member = SAMPLE_MEMBERS.council
    },
    nearMiss: (b) => {
      b.review!.of = ['inspect', 'assess']
    },
  },
  {
    code: 'REVIEW_DECIDE_UNREACHABLE',
    at: '/review/decide',
    fails: (b) => {
      stepOf(b, 'ask').routes = [{ to: [] }]
      stepOf(b, 'inspect').routes[0]!.to = ['rehear']
    },
    nearMiss: (b) => {
      stepOf(b, 'ask').routes = [{ to: ['inspect'] }]
      stepOf(b, 'inspect').routes[0]!.to = ['rehear']
    },
  },
  {
    code: 'REVIEW_DECIDE_UNREACHABLE',
    at: '/review/decide',
    // One of those who may ask is heard by nobody.
    fails: (b) => {
      b.steps.push({ ...stepOf(b, 'ask'), id: 'ask2', routes: [{ to: [] }] })
      b.review!.request = ['ask', 'ask2']
    },
    nearMiss: (b) => {
      b.steps.push({ ...stepOf(b, 'ask'), id: 'ask2' })
      b.review!.request = ['ask', 'ask2']
    },
  },
  {
    code: 'REVIEW_MISSES_RECIPIENT',
    at: '/review/decide',
    fails: (b) => void stepOf(b, 'rehear').disclosures.pop(),
    nearMiss: (b) => {
      disclosureOf(b, 'rehear', 1).fields = ['/why']
    },
  },
  {
    code: 'REVIEW_MISSES_RECIPIENT',
    at: '/review/decide',
    // By a later step than the one that is reviewed, and of the new record by a later step too.
    fails: (b) => {
      stepOf(b, 'rehear').disclosures.pop()
      stepOf(b, 'inspect').disclosures.pop()
      stepOf(b, 'ask').disclosures.push({
        ...disclosureOf(b, 'rehear', 0),
        to: 'council',
        step: 'inspect',
        fields: ['/passed'],
      })
    },
    nearMiss: (b) => {
      stepOf(b, 'rehear').disclosures.pop()
      stepOf(b, 'inspect').disclosures.pop()
      stepOf(b, 'ask').disclosures.push({
        ...disclosureOf(b, 'rehear', 0),
        to: 'registry',
        step: 'inspect',
        fields: ['/passed'],
      })
    },
  },
])
