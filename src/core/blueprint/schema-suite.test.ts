import assert from 'node:assert/strict'
import { test } from 'node:test'
import { readSharedJson, sharedVectorsAbsent } from '../../../test/vectors/shared-vectors.ts'
import type { JsonObject, JsonValue } from '../canonical-json.ts'
import { ConcordatError } from '../error.ts'
import { compileValidator } from './schema.ts'
import { parseCondition } from './schema-profile.ts'

interface Group {
  description: string
  schema: JsonValue
  tests: { description: string; data: JsonValue; valid: boolean }[]
}

interface Refused {
  why: string
  /** Groups and tests by file of the suite. */
  files: Record<string, [groups: number, tests: number]>
}

/** All mandatory files of JSON Schema 2020-12. */
const FILES = `
  additionalProperties allOf anchor anyOf boolean_schema const contains content default defs dependentRequired dependentSchemas
  dynamicRef enum exclusiveMaximum exclusiveMinimum format if-then-else infinite-loop-detection items maxContains maxItems
  maxLength maxProperties maximum minContains minItems minLength minProperties minimum multipleOf not oneOf pattern
  patternProperties prefixItems properties propertyNames ref refRemote required type unevaluatedItems unevaluatedProperties
  uniqueItems vocabulary`
  .trim()
  .split(/\s+/)

const RECURSION = 'references are local and inlined, so that nothing is fetched and nothing recurses'
const NAMES = 'property names that a field pointer or an object prototype could mistake'
const LISTS = 'a list is one field, whose items have one schema'
const DECLARED = 'every field is declared and disclosed by name'
const SAID = 'if and then say it of declared fields'

/** What the profile refuses, by the first keyword or place that it refuses. Every one of these groups is refused as a whole. */
const REFUSED: Record<string, Refused> = {
  $dynamicRef: { why: RECURSION, files: { dynamicRef: [1, 2] } },
  $id: { why: RECURSION, files: { dynamicRef: [8, 21], ref: [9, 18], refRemote: [5, 11], vocabulary: [1, 3] } },
  $ref: {
    why: RECURSION,
    files: {
      ...{ anchor: [4, 8], defs: [1, 2], dynamicRef: [12, 21], ref: [19, 46], refRemote: [10, 20] },
      ...{ unevaluatedItems: [3, 6], unevaluatedProperties: [4, 13] },
    },
  },
  '/enum': { why: 'an empty list of values, which nothing fits', files: { enum: [1, 6] } },
  '/pattern': { why: 'a pattern that RE2 does not have', files: { pattern: [1, 3] } },
  '/properties': { why: NAMES, files: { properties: [2, 9], ref: [3, 6] } },
  '/required': { why: NAMES, files: { required: [2, 9] } },
  additionalProperties: {
    why: `only false, beside properties: ${DECLARED}`,
    files: { additionalProperties: [4, 7], 'infinite-loop-detection': [1, 2], unevaluatedProperties: [4, 8] },
  },
  contains: {
    why: LISTS,
    files: { contains: [7, 21], maxContains: [4, 12], minContains: [7, 26], unevaluatedItems: [3, 14] },
  },
  contentEncoding: { why: 'an annotation', files: { content: [1, 3] } },
  contentMediaType: { why: 'an annotation', files: { content: [3, 15] } },
  default: { why: 'an annotation; a form has no answer that nobody gave', files: { default: [3, 7] } },
  dependentRequired: { why: SAID, files: { dependentRequired: [4, 20] } },
  dependentSchemas: {
    why: SAID,
    files: { additionalProperties: [1, 3], dependentSchemas: [4, 20], unevaluatedProperties: [2, 5] },
  },
  format: { why: 'a format that is not checked would be a promise that nobody keeps', files: { format: [16, 112] } },
  maxContains: { why: LISTS, files: { maxContains: [1, 2] } },
  maxProperties: { why: DECLARED, files: { maxProperties: [3, 10] } },
  minContains: { why: LISTS, files: { minContains: [1, 2] } },
  minProperties: { why: DECLARED, files: { minProperties: [2, 10] } },
  patternProperties: {
    why: DECLARED,
    files: {
      ...{ additionalProperties: [2, 8], patternProperties: [6, 25], properties: [1, 8] },
      ...{ unevaluatedProperties: [5, 29] },
    },
  },
  prefixItems: {
    why: LISTS,
    files: { items: [5, 17], prefixItems: [4, 11], ref: [1, 2], unevaluatedItems: [14, 29], uniqueItems: [4, 26] },
  },
  propertyNames: {
    why: DECLARED,
    files: { additionalProperties: [1, 2], propertyNames: [6, 22], unevaluatedProperties: [1, 2] },
  },
  unevaluatedItems: { why: LISTS, files: { unevaluatedItems: [9, 22] } },
  unevaluatedProperties: { why: DECLARED, files: { not: [1, 2], unevaluatedProperties: [28, 72] } },
}

/** The suite takes formats as annotations; here a field of a format of the profile has it. By file, group and test. */
const DIFFERENT = [
  'format: email format: invalid email string is only an annotation by default',
  'format: date format: invalid date string is only an annotation by default',
  'format: uuid format: invalid uuid string is only an annotation by default',
]

test('the JSON Schema suite: all groups that the profile accepts are right, and what it refuses is listed', {
  skip: sharedVectorsAbsent,
}, (t) => {
  const count = { right: 0, different: 0, refused: 0 }
  const refused: Record<string, Refused['files']> = {}
  const differed: string[] = []
  for (const file of FILES) {
    for (const group of readSharedJson<Group[]>(`json-schema/tests/draft2020-12/${file}.json`)) {
      const name = `${file}: ${group.description}`
      const reason = refusalOf(group.schema)
      if (reason !== undefined) {
        refused[reason] ??= {}
        const [groups, tests] = refused[reason][file] ?? [0, 0]
        refused[reason][file] = [groups + 1, tests + group.tests.length]
        count.refused += group.tests.length
        continue
      }
      const validate = compileValidator(parseCondition(asCondition(group.schema)))
      for (const { description, data, valid } of group.tests) {
        const place = `${name}: ${description}`
        const different = DIFFERENT.includes(place)
        assert.equal(validate(data).length === 0, different ? !valid : valid, place)
        if (different) differed.push(place)
        count[different ? 'different' : 'right'] += 1
      }
    }
  }
  const listed = Object.entries(REFUSED).map(([reason, { files }]) => [reason, files])
  assert.deepEqual(refused, Object.fromEntries(listed))
  assert.deepEqual(differed.sort(), [...DIFFERENT].sort())
  for (const [reason, { why, files }] of Object.entries(REFUSED)) {
    const groups = Object.values(files).reduce((sum, [number]) => sum + number, 0)
    t.diagnostic(`${groups} groups refused for ${reason}: ${why}`)
  }
  t.diagnostic(JSON.stringify(count))
  assert.deepEqual(count, { right: 516, different: 3, refused: 780 })
})

/** Here unique items come with maxItems, since every pair is compared: the suite's groups are run with the greatest. */
function asCondition(schema: JsonValue): JsonObject {
  if (typeof schema === 'boolean') return { allOf: [schema] }
  const suite = schema as JsonObject
  return suite.uniqueItems === true && suite.maxItems === undefined ? { ...suite, maxItems: 200 } : suite
}

function refusalOf(schema: JsonValue): string | undefined {
  try {
    parseCondition(asCondition(schema))
    return undefined
  } catch (error) {
    if (!(error instanceof ConcordatError)) throw error
    if (error.detail.code === 'SCHEMA_KEYWORD_REFUSED') return error.detail.keyword
    return 'at' in error.detail ? error.detail.at : error.code
  }
}
