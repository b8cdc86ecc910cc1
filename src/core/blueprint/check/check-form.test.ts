import { propertiesOf, testCases } from '../../../../test/blueprint-cases.ts'
import { stepOf } from '../../../../test/sample-blueprint.ts'
import type { Blueprint, FormItem, Rule } from '../blueprint.ts'

const LARGE: Rule = { '>': [{ var: 'apply.people' }, 5] }

const form = (...items: FormItem[]) => {
  return (b: Blueprint) => {
    stepOf(b, 'apply').form = items
  }
}

/** The application with a list of objects: pets. */
const pets = (...items: FormItem[]) => {
  return (b: Blueprint) => {
    const name = { type: 'string', maxLength: 60 }
    const age = { type: 'integer', minimum: 0 }
    propertiesOf(b, 'apply').pets = {
      type: 'array',
      items: { type: 'object', additionalProperties: false, required: ['name'], properties: { name, age } },
    }
    stepOf(b, 'apply').form = [{ field: '/pets', label: 'Pets', items }]
  }
}

testCases('errors', [
  {
    code: 'FIELD_UNKNOWN',
    at: '/steps/0/form/0/items/0/field',
    fails: form({ group: 'You', items: [{ field: '/name', label: 'Name' }] }),
    nearMiss: form({ group: 'You', items: [{ field: '/name/given', label: 'Name' }] }),
  },
  {
    code: 'FIELD_UNKNOWN',
    at: '/steps/0/form/0/items/0/field',
    // Within a list, fields are those of its items.
    fails: pets({ field: '/pets/name', label: 'Name' }),
    nearMiss: pets({ field: '/name', label: 'Name' }),
  },
  {
    code: 'FIELD_UNKNOWN',
    at: '/steps/0/form/0/items',
    fails: form({ field: '/people', label: 'People', items: [] }),
    nearMiss: pets(),
  },
  {
    code: 'FIELD_UNKNOWN',
    at: '/steps/0/form/0/when',
    fails: form({ field: '/partner/name', label: 'Partner', when: { var: 'apply.persons' } }),
    nearMiss: form({ field: '/partner/name', label: 'Partner', when: { var: 'apply.people' } }),
  },
  {
    code: 'FORM_RULE_READS_ELSEWHERE',
    at: '/steps/1/form/0/when',
    fails: (b) => {
      stepOf(b, 'assess').form = [{ field: '/note', label: 'Note', when: LARGE }]
    },
    nearMiss: (b) => {
      const when = { '===': [{ var: 'assess.verdict' }, 'back'] }
      stepOf(b, 'assess').form = [{ field: '/note', label: 'Note', when }]
    },
  },
  {
    code: 'FORM_RULE_READS_ELSEWHERE',
    at: '/steps/0/form/0/when',
    fails: form({ group: 'Partner', when: { '>': [{ var: '$meta.asOf' }, 0] }, items: [] }),
    nearMiss: form({ group: 'Partner', when: LARGE, items: [] }),
  },
  {
    code: 'FORM_HIDES_REQUIRED',
    at: '/steps/0/form/0/when',
    fails: form({ field: '/income', label: 'Income', when: LARGE }),
    // Required only where there is a partner.
    nearMiss: form({ field: '/partner/name', label: 'Partner', when: LARGE }),
  },
  {
    code: 'FORM_HIDES_REQUIRED',
    at: '/steps/0/form/0/when',
    fails: form({ group: 'Money', when: LARGE, items: [{ field: '/income', label: 'Income' }] }),
    // A calculated field is filled in whether it is shown or not.
    nearMiss: form({ group: 'Money', when: LARGE, items: [{ field: '/share', label: 'Share' }] }),
  },
  {
    code: 'FORM_HIDES_REQUIRED',
    at: '/steps/0/form/0/items/0/when',
    fails: pets({ field: '/name', label: 'Name', when: LARGE }),
    nearMiss: (b) => {
      pets({ field: '/name', label: 'Name' }, { field: '/age', label: 'Age', when: LARGE })(b)
      stepOf(b, 'apply').form![0]!.when = LARGE
    },
  },
])
