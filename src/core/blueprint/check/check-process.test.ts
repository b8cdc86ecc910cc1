import { testCases, unchanged } from '../../../../test/blueprint-cases.ts'
import { stepOf } from '../../../../test/sample-blueprint.ts'

testCases('errors', [
  {
    code: 'STEP_UNREACHABLE',
    at: '/steps/3',
    fails: (b) => void delete stepOf(b, 'withdraw').withdrawal,
    nearMiss: (b) => {
      delete stepOf(b, 'withdraw').withdrawal
      stepOf(b, 'inspect').routes = [{ to: ['withdraw'] }]
    },
  },
  {
    code: 'DEAD_END',
    at: '/steps/3/routes',
    fails: (b) => {
      stepOf(b, 'withdraw').routes = []
    },
    nearMiss: (b) => {
      stepOf(b, 'withdraw').routes = [{ to: [] }]
    },
  },
  {
    code: 'LOOP_WITHOUT_EXIT',
    at: '/steps/0/routes',
    fails: (b) => {
      stepOf(b, 'inspect').routes = [{ to: ['apply'] }]
    },
    nearMiss: (b) => {
      stepOf(b, 'inspect').routes = [{ to: ['apply'], when: { '===': [{ var: 'inspect.passed' }, 'no'] } }, { to: [] }]
    },
  },
  {
    code: 'ROUTE_NEVER_TAKEN',
    at: '/steps/1/routes/1',
    fails: (b) => void delete stepOf(b, 'assess').routes[0]!.when,
    nearMiss: (b) => void delete stepOf(b, 'assess').routes[1]!.when,
  },
  {
    code: 'WITHDRAWAL_ROUTED',
    at: '/steps/2/routes/1/to',
    fails: (b) => {
      stepOf(b, 'inspect').routes[1]!.to = ['withdraw']
    },
    nearMiss: unchanged,
  },
  {
    code: 'WITHDRAWAL_ROUTED',
    at: '/start',
    fails: (b) => {
      b.start = 'withdraw'
    },
    nearMiss: unchanged,
  },
  {
    code: 'ROUTE_NEVER_TAKEN',
    at: '/steps/1/routes/1',
    fails: (b) => {
      stepOf(b, 'assess').routes[1]!.when = { '===': [{ var: 'assess.verdict' }, 'back'] }
    },
    nearMiss: (b) => {
      stepOf(b, 'assess').routes[1]!.when = { '==': [{ var: 'assess.verdict' }, 'back'] }
    },
  },
  {
    code: 'ROUTES_CLOSE_DIFFERENTLY',
    at: '/steps/1/routes/2/closes',
    fails: (b) => void stepOf(b, 'assess').routes.push({ to: ['inspect'], closes: ['apply'] }),
    nearMiss: (b) => {
      stepOf(b, 'assess').routes[1]!.closes = ['apply', 'assess']
      stepOf(b, 'assess').routes.push({ to: ['inspect'], closes: ['assess', 'apply'] })
    },
  },
  {
    code: 'WITHDRAWAL_ROUTED',
    at: '/steps/2/lapse/to',
    fails: (b) => {
      stepOf(b, 'inspect').deadline = { count: 90, unit: 'hours', calendar: null }
      stepOf(b, 'inspect').lapse = { to: ['withdraw'] }
    },
    nearMiss: (b) => {
      stepOf(b, 'inspect').deadline = { count: 90, unit: 'hours', calendar: null }
      stepOf(b, 'inspect').lapse = { to: ['assess'] }
    },
  },
  {
    code: 'WITHDRAWAL_WITH_PARTS',
    at: '/steps/3/deadline',
    fails: (b) => {
      stepOf(b, 'withdraw').deadline = { count: 90, unit: 'hours', calendar: null }
    },
    nearMiss: (b) => {
      stepOf(b, 'inspect').deadline = { count: 90, unit: 'hours', calendar: null }
    },
  },
  {
    code: 'WITHDRAWAL_WITH_PARTS',
    at: '/steps/3/routes/0/closes',
    fails: (b) => {
      stepOf(b, 'withdraw').routes[0]!.closes = ['inspect']
    },
    nearMiss: (b) => {
      stepOf(b, 'inspect').routes = [{ to: [], closes: ['assess'] }]
    },
  },
  {
    code: 'LOOP_WITHOUT_EXIT',
    at: '/steps/0/routes',
    fails: (b) => {
      stepOf(b, 'inspect').routes = [{ to: ['apply'] }]
      stepOf(b, 'inspect').deadline = { count: 90, unit: 'hours', calendar: null }
      stepOf(b, 'inspect').lapse = { to: ['assess'] }
    },
    nearMiss: (b) => {
      stepOf(b, 'inspect').routes = [{ to: ['apply'] }]
      stepOf(b, 'inspect').deadline = { count: 90, unit: 'hours', calendar: null }
      stepOf(b, 'inspect').lapse = { to: [] }
    },
  },
  {
    code: 'JOIN_SOURCE_NEVER_ARRIVES',
    at: '/steps/2/join/steps/1',
    fails: (b) => {
      stepOf(b, 'inspect').join = { mode: 'any', steps: ['assess', 'apply'] }
    },
    nearMiss: (b) => {
      stepOf(b, 'inspect').join = { mode: 'any', steps: ['assess', 'apply'] }
      stepOf(b, 'apply').deadline = { count: 90, unit: 'hours', calendar: null }
      stepOf(b, 'apply').lapse = { to: ['inspect'] }
    },
  },
])
