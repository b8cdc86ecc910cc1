import { canonicalize, type JsonObject, type JsonValue } from '../../canonical-json.ts'
import { ConcordatError } from '../../error.ts'
import { compileSchema } from '../schema.ts'
import { buildBlueprint, type Imported } from './build-blueprint.ts'
import { Losses } from './losses.ts'
import {
  IMPORT_LIMITS,
  indexOfAction,
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
import { below, isObject, readObject, refuseSize } from './read-source.ts'
import { routeSorcha } from './sorcha-routing.ts'
import type { SourceAction, SourceProcess, SourceRejection } from './source-process.ts'
import { expandTemplate } from './template.ts'
import { translateSchemas } from './translate-schema.ts'

const WHAT = 'a Sorcha blueprint, or a template that holds one'

const CREDENTIAL = 'credentials are neither asked for nor issued by a blueprint yet'
const ACTION_KEYS: Record<string, string> = {
  credentialRequirements: CREDENTIAL,
  credentialIssuanceConfig: CREDENTIAL,
  description: 'a step has a title only',
  additionalRecipients: 'whoever is to get something is named by a disclosure',
  requiredPriorActions: 'what a rule reads says which earlier steps it needs',
  requiredActionData: 'the schema says what is required',
}
const ACTION_CARRIED = [
  'id',
  'title',
  'sender',
  'isStartingAction',
  'dataSchemas',
  'disclosures',
  'routes',
  'condition',
  'target',
  'participants',
  'calculations',
  'rejectionConfig',
  'form',
]

/**
 * Puts a Sorcha blueprint, or a template with its default parameters, into Concordat's format. Untrusted input: what is no such
 * file is refused with its place, and the work is bounded. The result passes `parseBlueprint`; `checkBlueprint` says what is
 * still to be mended.
 */
export function importSorcha(value: JsonValue, given: JsonObject = {}): Imported {
  const losses = new Losses()
  const { document, at } = unwrap(readDocument(value, WHAT), given, losses)
  return buildBlueprint(readSorcha(document, at, losses), losses)
}

function unwrap(document: JsonObject, given: JsonObject, losses: Losses): { document: JsonObject; at: string } {
  if (!Object.hasOwn(document, 'template')) return { document, at: '' }
  const parameters = readParameters(document, given)
  const expanded = expandTemplate(readObject(document.template, '/template'), parameters, '/template')
  const size = canonicalize(expanded).length
  if (size > IMPORT_LIMITS.characters) refuseSize('/template', IMPORT_LIMITS.characters, 'characters', size)
  if (JSON.stringify(expanded) !== JSON.stringify(document.template)) {
    const names = Object.keys(parameters).map((name) => name.slice(0, 64))
    const what = `with ${names.length === 0 ? 'no parameters' : names.join(', ')}`
    losses.add(
      'TEMPLATE_EXPANDED',
      '/template',
      what,
      'a blueprint has no parameters: another choice is another import. Places below /template are of what it grew to',
    )
  }
  return { document: readObject(expanded, '/template'), at: '/template' }
}

function readParameters(document: JsonObject, given: JsonObject): JsonObject {
  const schema = isObject(document.parameterSchema) ? document.parameterSchema : {}
  const declared = isObject(schema.properties) ? schema.properties : {}
  const fromSchema = Object.entries(declared).flatMap(([name, property]): [string, JsonValue][] => {
    return isObject(property) && property.default !== undefined ? [[name, property.default]] : []
  })
  const defaults = isObject(document.defaultParameters) ? document.defaultParameters : {}
  const parameters = { ...Object.fromEntries(fromSchema), ...defaults, ...given }
  refuseWrong(declared, parameters)
  return parameters
}

/** Parameters that are missing show where the template uses them. */
function refuseWrong(declared: JsonObject, parameters: JsonObject): void {
  const properties = Object.entries(declared).filter(
    ([name, property]) => Object.hasOwn(parameters, name) && isObject(property),
  )
  const value: JsonObject = { type: 'object', properties: Object.fromEntries(properties) }
  const { schema, pointers } = translateSchemas([{ at: '/parameterSchema', value }], new Losses())
  for (const [name] of properties) {
    const [error] = compileSchema(schema).validateField(pointers.get(name) ?? '', parameters[name]!)
    if (error === undefined || isObject(parameters[name])) continue
    const at = below('/defaultParameters', name)
    throw new ConcordatError({ code: 'IMPORT_TEMPLATE_INVALID', expected: error.expected, got: 'another value', at })
  }
}

function readSorcha(document: JsonObject, at: string, losses: Losses): SourceProcess {
  if (document.participants === undefined || document.actions === undefined) {
    refuseFormat(at, WHAT, 'a document without participants or actions')
  }
  const head = readHead(document, at, losses)
  const participants = readParticipants(document, at, losses)
  const read = readActionList(document, at).map((entry) => ({
    ...entry,
    title:
      typeof entry.action.title === 'string' && entry.action.title !== '' ? entry.action.title : `Action ${entry.id}`,
    sender: readSender(entry.action, participants, entry.at),
  }))
  const ids = read.map(({ id }) => id)
  const routes = routeSorcha(read, participants, losses)
  const actions = read.map(({ at: place, action, id, title, sender }, index): SourceAction => {
    reportKeys(action, place, ACTION_CARRIED, ACTION_KEYS, losses)
    const form = isObject(action.form) ? { at: below(place, 'form'), value: action.form } : undefined
    const schemas = readSchemas(action, place)
    if (schemas.length === 0 && isObject(form?.value.schema))
      schemas.push({ at: below(form.at, 'schema'), value: form.value.schema })
    return {
      at: place,
      id,
      title,
      sender,
      schemas,
      calculations: readCalculations(action, place),
      disclosures: readDisclosures(action, participants, place, losses),
      routes: routes[index]!,
      rejection: readRejection(action, ids, place, losses),
      form,
    }
  })
  return { ...head, participants, actions, start: startOf(read, losses) }
}

function startOf(actions: readonly { at: string; action: JsonObject; title: string }[], losses: Losses): number {
  const starting = actions.flatMap(({ action }, index) => (action.isStartingAction === true ? [index] : []))
  for (const index of starting.slice(1)) {
    const { at, title } = actions[index]!
    losses.add('START_DROPPED', below(at, 'isStartingAction'), `${title} as a start`, 'a case starts at one step')
  }
  return starting[0] ?? 0
}

function readRejection(
  action: JsonObject,
  ids: readonly number[],
  at: string,
  losses: Losses,
): SourceRejection | undefined {
  if (action.rejectionConfig === undefined || action.rejectionConfig === null) return undefined
  const place = below(at, 'rejectionConfig')
  const config = readObject(action.rejectionConfig, place)
  reportKeys(config, place, ['targetActionId', 'requireReason', 'isTerminal'], {}, losses)
  const goesBack = config.isTerminal !== true && config.targetActionId !== undefined && config.targetActionId !== null
  return {
    at: place,
    target: goesBack ? indexOfAction(ids, config.targetActionId, below(place, 'targetActionId')) : undefined,
    reasonRequired: config.requireReason !== false,
  }
}
