import { testCases } from '../../../../test/blueprint-cases.ts'
import { disclosureOf, stepOf } from '../../../../test/sample-blueprint.ts'

testCases('errors', [
  {
    code: 'SPECIAL_WITHOUT_CONDITION',
    at: '/steps/0/disclosures/1/condition',
    fails: (b) => void delete disclosureOf(b, 'apply', 1).condition,
    nearMiss: (b) => {
      delete disclosureOf(b, 'apply', 1).condition
      delete stepOf(b, 'apply').special
    },
  },
  {
    code: 'SPECIAL_WITHOUT_CONDITION',
    at: '/steps/0/special',
    fails: (b) => {
      stepOf(b, 'apply').special!['/health']!.condition = ' '
    },
    nearMiss: (b) => {
      stepOf(b, 'apply').special!['/health']!.condition = { en: 'Article 9(2)(g)' }
    },
  },
  {
    code: 'ADVERSE_WITHOUT_HUMAN_DECISION',
    at: '/steps/2/routes/1/outcome',
    fails: (b) => {
      stepOf(b, 'inspect').decision!.human = false
    },
    nearMiss: (b) => {
      stepOf(b, 'inspect').decision!.human = false
      delete stepOf(b, 'inspect').routes[1]!.outcome
    },
  },
  {
    code: 'ADVERSE_WITHOUT_HUMAN_DECISION',
    at: '/steps/2/routes/1/outcome',
    fails: (b) => {
      // Only what the machine calculated decides.
      const [yes, no] = stepOf(b, 'inspect').routes
      yes!.when = { '!': [{ var: 'inspect.large' }] }
      no!.when = { var: 'inspect.large' }
    },
    nearMiss: (b) => {
      stepOf(b, 'inspect').routes[1]!.when = {
        and: [{ var: 'inspect.large' }, { '===': [{ var: 'inspect.passed' }, 'no'] }],
      }
    },
  },
  {
    code: 'ADVERSE_WITHOUT_EXPLANATION',
    at: '/steps/2/decision/explanation',
    fails: (b) => {
      disclosureOf(b, 'inspect', 0).fields = ['/passed', '/large']
    },
    nearMiss: (b) => {
      disclosureOf(b, 'inspect', 0).fields = ['/passed', '/reason']
    },
  },
  {
    code: 'ADVERSE_WITHOUT_REVIEW',
    at: '/review',
    fails: (b) => {
      b.review = null
    },
    nearMiss: (b) => {
      b.review!.of = ['inspect', 'assess']
    },
  },
  {
    code: 'ADVERSE_WITHOUT_REVIEW',
    at: '/review',
    // Nobody but a public body may ask.
    fails: (b) => {
      stepOf(b, 'ask').role = 'council'
    },
    nearMiss: (b) => {
      const other = { ...stepOf(b, 'ask'), id: 'ask2', role: 'council' }
      b.steps.push(other)
      b.review!.request = ['ask', 'ask2']
    },
  },
  {
    code: 'ADVERSE_WITHOUT_REVIEW',
    at: '/review/of',
    fails: (b) => {
      b.review!.of = ['assess']
    },
    nearMiss: (b) => {
      b.review!.of = ['assess', 'inspect']
    },
  },
])

testCases('warnings', [
  {
    code: 'PATH_TELLS_OUTCOME',
    at: '/steps/2/routes',
    fails: (b) => {
      stepOf(b, 'inspect').routes[1]!.to = ['apply']
    },
    nearMiss: (b) => {
      stepOf(b, 'inspect').routes[1]!.to = ['apply']
      delete stepOf(b, 'inspect').routes[0]!.outcome
    },
  },
])
