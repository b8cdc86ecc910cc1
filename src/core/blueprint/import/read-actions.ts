import { canonicalize, type JsonObject, type JsonValue } from '../../canonical-json.ts'
import { ConcordatError } from '../../error.ts'
import type { Losses } from './losses.ts'
import {
  below,
  isObject,
  readInteger,
  readList,
  readObject,
  readOptionalList,
  readText,
  refuse,
  refuseSize,
} from './read-source.ts'
import type { SourceDisclosure, SourceParticipant } from './source-process.ts'

export const IMPORT_LIMITS = { characters: 1_000_000, participants: 32, actions: 100, listItems: 200 } as const

type Keys = Record<string, string>

const IDENTITY = 'a role is given to a member, which has keys and addresses of its own'
const PARTICIPANT_KEYS: Keys = {
  walletAddress: IDENTITY,
  didUri: IDENTITY,
  useStealthAddress: 'recipients are never on the register, so nobody needs an address that hides them',
  verifiableCredential: 'a member shows what it is when it is admitted',
  description: 'a role has a title only',
}
const DOCUMENT_KEYS: Keys = {
  '@context': 'the format has words of its own',
  metadata: 'catalogue data is no part of what is agreed',
  description: 'a blueprint has a title and a justification',
  dataSchemas: 'schemas of the whole blueprint are used by no action',
  organizationId: IDENTITY,
}
const SILENT = ['@type', 'type', 'createdAt', 'updatedAt', 'published', 'additionalProperties', '$schema']

/** Refuses, with its place where one is known, what is no blueprint of a predecessor at all. */
export function readDocument(value: JsonValue, what: string): JsonObject {
  const size = canonicalize(value).length
  if (size > IMPORT_LIMITS.characters) refuseSize('', IMPORT_LIMITS.characters, 'characters', size)
  const document = readObject(value, '')
  if (document.format !== undefined) refuseFormat('/format', what, 'a document that names another format')
  return document
}

export function refuseFormat(at: string, expected: string, got: string): never {
  throw new ConcordatError({ code: 'IMPORT_FORMAT_UNKNOWN', expected, got, at })
}

export function readHead(
  document: JsonObject,
  at: string,
  losses: Losses,
): { id: string; title: string; version: number } {
  reportKeys(document, at, ['id', 'title', 'version', 'participants', 'actions'], DOCUMENT_KEYS, losses)
  const version = document.version === undefined ? 1 : readInteger(document.version, below(at, 'version'), 0, 999_999)
  const title = readText(document.title, below(at, 'title'))
  return { id: typeof document.id === 'string' && document.id !== '' ? document.id : title, title, version }
}

export function readParticipants(document: JsonObject, root: string, losses: Losses): SourceParticipant[] {
  const place = below(root, 'participants')
  const participants = readList(document.participants, place, IMPORT_LIMITS.participants).map((value, i) => {
    const at = below(place, i)
    const participant = readObject(value, at)
    reportKeys(participant, at, ['id', 'name', 'organisation'], PARTICIPANT_KEYS, losses)
    const id = readText(participant.id, below(at, 'id'))
    const organisation = typeof participant.organisation === 'string' ? participant.organisation : undefined
    return {
      at,
      id,
      name: typeof participant.name === 'string' && participant.name.trim() !== '' ? participant.name : id,
      organisation,
      wallet: typeof participant.walletAddress === 'string' ? participant.walletAddress : undefined,
      person: participant.useStealthAddress === true || /^(self|public|individual|citizen)$/i.test(organisation ?? ''),
    }
  })
  if (participants.length === 0) refuse(place, 'at least one participant', [])
  const repeated = participants.find(({ id }, i) => participants.findIndex((other) => other.id === id) < i)
  if (repeated) refuse(below(repeated.at, 'id'), 'an id used once', 'twice')
  return participants
}

export function readActionList(document: JsonObject, root: string): { at: string; action: JsonObject; id: number }[] {
  const place = below(root, 'actions')
  const actions = readList(document.actions, place, IMPORT_LIMITS.actions).map((value, i) => {
    const at = below(place, i)
    const action = readObject(value, at)
    return { at, action, id: readInteger(action.id, below(at, 'id'), 0, 1_000_000) }
  })
  if (actions.length === 0) refuse(place, 'at least one action', [])
  const repeated = actions.find(({ id }, i) => actions.findIndex((other) => other.id === id) < i)
  if (repeated) refuse(below(repeated.at, 'id'), 'an id used once', 'twice')
  return actions
}

/** The index of the action that has an id; a reference that leads nowhere is refused. */
export function indexOfAction(ids: readonly number[], value: JsonValue | undefined, at: string): number {
  const index = ids.indexOf(value as number)
  return index >= 0 ? index : refuse(at, 'the id of an action', value)
}

export function readSender(action: JsonObject, participants: readonly SourceParticipant[], at: string): string {
  const sender = readText(action.sender, below(at, 'sender'))
  const found = participants.find(({ id }) => id === sender)
  return found ? found.id : refuse(below(at, 'sender'), 'the id of a participant', sender)
}

export function readSchemas(action: JsonObject, at: string): { at: string; value: JsonObject }[] {
  const place = below(at, 'dataSchemas')
  return readOptionalList(action.dataSchemas, place, IMPORT_LIMITS.listItems).map((value, i) => {
    return { at: below(place, i), value: readObject(value, below(place, i)) }
  })
}

export function readCalculations(action: JsonObject, at: string): { at: string; name: string; rule: JsonValue }[] {
  const place = below(at, 'calculations')
  if (action.calculations === undefined || action.calculations === null) return []
  const entries = Object.entries(readObject(action.calculations, place))
  if (entries.length > IMPORT_LIMITS.listItems)
    refuseSize(place, IMPORT_LIMITS.listItems, 'calculations', entries.length)
  return entries.map(([name, rule]) => ({ at: below(place, name), name, rule }))
}

/** SICCAR's targets that are nobody: what goes there can be read by everybody. */
const PUBLIC_TARGETS: Keys = {
  TrackingData: 'it puts the values in clear on the register, where nothing is in clear here',
  Authorized: 'it leaves the payload in clear for everybody, and no field is here',
}

export function readDisclosures(
  action: JsonObject,
  participants: readonly SourceParticipant[],
  at: string,
  losses: Losses,
): SourceDisclosure[] {
  const place = below(at, 'disclosures')
  return readOptionalList(action.disclosures, place, IMPORT_LIMITS.listItems).flatMap(
    (value, i): SourceDisclosure[] => {
      const inside = below(place, i)
      const disclosure = readObject(value, inside)
      const target = readText(disclosure.participantAddress, below(inside, 'participantAddress'))
      const pointers = readOptionalList(
        disclosure.dataPointers,
        below(inside, 'dataPointers'),
        IMPORT_LIMITS.listItems,
      ).map((text, j) => ({
        at: below(below(inside, 'dataPointers'), j),
        text: readText(text, below(below(inside, 'dataPointers'), j)),
      }))
      const to = participants.find(({ id }) => id === target) ?? participants.find(({ wallet }) => wallet === target)
      if (to) return [{ at: inside, to: to.id, pointers }]
      const why = Object.hasOwn(PUBLIC_TARGETS, target)
        ? PUBLIC_TARGETS[target]!
        : 'no participant has that id or wallet'
      losses.add(
        'DISCLOSURE_DROPPED',
        inside,
        `${pointers
          .map(({ text }) => text)
          .join(', ')
          .slice(0, 200)} to ${target.slice(0, 64)}`,
        why,
      )
      return []
    },
  )
}

/** Names what is not carried over, once for each key and reason. Keys of no consequence pass in silence. */
export function reportKeys(
  value: JsonObject,
  at: string,
  carried: readonly string[],
  reasons: Keys,
  losses: Losses,
): void {
  for (const [key, item] of Object.entries(value)) {
    if (carried.includes(key) || SILENT.includes(key) || isEmpty(item)) continue
    const why = Object.hasOwn(reasons, key) ? reasons[key]! : 'the format has no counterpart'
    losses.add('NOT_CARRIED', below(at, key), key.slice(0, 64), why)
  }
}

function isEmpty(value: JsonValue): boolean {
  if (value === null || value === '' || value === false) return true
  return Array.isArray(value) ? value.length === 0 : isObject(value) && Object.keys(value).length === 0
}
