import type { JsonObject, JsonValue } from '../../canonical-json.ts'
import { buildBlueprint, type Imported } from './build-blueprint.ts'
import { choicesOf } from './decide.ts'
import { Losses } from './losses.ts'
import {
  readActionList,
  readCalculations,
  readDisclosures,
  readDocument,
  readHead,
  readParticipants,
  readSchemas,
  readSender,
  refuseFormat,
  reportKeys,
} from './read-actions.ts'
import { below, isObject } from './read-source.ts'
import { readRule, withoutNeedless } from './sorcha-routing.ts'
import type { SourceAction, SourceRoute } from './source-process.ts'

const WHAT = 'a SICCAR V3 blueprint'

const ACTION_KEYS: Record<string, string> = {
  description: 'a step has a title only',
  participants: "SICCAR's engine ignores them",
  additionalRecipients: 'whoever is to get something is named by a disclosure',
  requiredActionData: 'a page shows what its role was shown',
  previousTxId: 'it is of one case',
  previousData: 'it is of one case',
  blueprint: 'it is of one case',
}
const ACTION_CARRIED = ['id', 'title', 'sender', 'dataSchemas', 'disclosures', 'condition', 'calculations', 'form']

/** What Sorcha's actions have and SICCAR's do not. */
const SORCHA_KEYS = [
  'routes',
  'rejectionConfig',
  'isStartingAction',
  'credentialIssuanceConfig',
  'credentialRequirements',
]

/** Puts a SICCAR V3 blueprint into Concordat's format, as `importSorcha` does. */
export function importSiccar(value: JsonValue): Imported {
  const losses = new Losses()
  const document = readDocument(value, WHAT)
  if (document.participants === undefined || document.actions === undefined) {
    refuseFormat('', WHAT, 'a document without participants or actions')
  }
  const head = readHead(document, '', losses)
  const participants = readParticipants(document, '', losses)
  const read = readActionList(document, '')
  for (const { at, action } of read) {
    const foreign = SORCHA_KEYS.find((key) => Object.hasOwn(action, key))
    if (foreign !== undefined) refuseFormat(below(at, foreign), WHAT, `${foreign}, which is Sorcha's`)
  }
  const titleOf = (index: number) => {
    const { action, id } = read[index]!
    return typeof action.title === 'string' && action.title !== '' ? action.title : `Action ${id}`
  }
  const actions = read.map(({ at, action, id }, index): SourceAction => {
    reportKeys(action, at, ACTION_CARRIED, ACTION_KEYS, losses)
    return {
      at,
      id,
      title: titleOf(index),
      sender: readSender(action, participants, at),
      schemas: readSchemas(action, at),
      calculations: readCalculations(action, at).map((entry) => ({ ...entry, rule: readRule(entry.rule, entry.at) })),
      disclosures: readDisclosures(action, participants, at, losses),
      routes: routesOf(
        action,
        at,
        index,
        read.map((entry) => entry.id),
        titleOf,
        losses,
      ),
      rejection: undefined,
      form: isObject(action.form) ? { at: below(at, 'form'), value: action.form } : undefined,
    }
  })
  if (actions.length > 1) {
    const why = 'SICCAR lets every action but the first be rejected; here a route back says where and when'
    losses.add('NOT_CARRIED', '/actions', 'rejection to the sender before', why)
  }
  const first = read.findIndex(({ id }) => id === Math.min(...read.map((entry) => entry.id)))
  return buildBlueprint({ ...head, participants, actions, start: first }, losses)
}

/** The condition yields the next action's number; another result goes on to the next one, a negative or too great one ends. */
function routesOf(
  action: JsonObject,
  at: string,
  index: number,
  ids: readonly number[],
  titleOf: (index: number) => string,
  losses: Losses,
): SourceRoute[] {
  const place = below(at, 'condition')
  const following = ids.indexOf(ids[index]! + 1)
  const next = following >= 0 ? [following] : []
  if (action.condition === undefined || action.condition === null || action.condition === '') {
    return [{ at, to: next, when: undefined }]
  }
  const choices = choicesOf(readRule(action.condition, place))
  if (choices === undefined) {
    const why = 'it does not choose between numbers by `if` alone; the branch goes on to the next action'
    losses.add('ROUTE_DROPPED', place, `the condition of ${titleOf(index)}`, why)
    return [{ at, to: next, when: undefined }]
  }
  return withoutNeedless(choices.map(({ when, result }) => ({ at: place, to: target(result), when })))

  function target(result: JsonValue): number[] {
    const number = typeof result === 'string' && /^-?\d+$/.test(result) ? Number(result) : result
    if (typeof number !== 'number') return next
    const found = ids.indexOf(number)
    if (found >= 0) return [found]
    if (number >= 0 && number <= ids.length) {
      losses.add(
        'DEAD_END',
        place,
        `${titleOf(index)} goes to action ${number}`,
        'which there is none of, so the branch ends',
      )
    }
    return []
  }
}
