import assert from 'node:assert'
import { advance } from '../core/blueprint/advance.ts'
import { documentStepId, getStep, opaqueStepId } from '../core/blueprint/blueprint.ts'
import { ACTOR_FIELD, groupsOf } from '../core/blueprint/groups.ts'
import { join, split } from '../core/blueprint/pointer.ts'
import { canonicalize, type JsonObject, type JsonValue } from '../core/canonical-json.ts'
import { toBase64url } from '../core/crypto/base64url.ts'
import { parseEntry } from '../core/ledger/entry.ts'
import { sealGroup } from '../core/record/group.ts'
import { buildRecordClaims, type Field, recordSigningInput } from '../core/record/record.ts'
import type { StoredGroup, Submission } from '../storage/storage.ts'
import { getRecordKid } from './member-keys.ts'
import { findCaseRow, getCaseRow, type Part, refuseUnacceptable } from './part.ts'
import { isCorrection, type Place, placeIn, startPlace } from './place.ts'
import { keepGroup } from './recalls.ts'
import { viewOf } from './sight.ts'

/** Who acted for the member, and how they signed in: told to nobody else (RULES 21, group 0). */
export interface Caller {
  kind: 'client'
  name: string
}

export interface ActionRequest {
  /** Null starts a case. */
  case: string | null
  blueprint: string | null
  /** Document step id; the start step where a case starts. */
  step: string | null
  data: JsonObject
  /** The disputed record in whose place it is offered (RULES 17). */
  corrects?: string | null
  /** The record that is to be reviewed; the newest one where absent (RULES 18). */
  reviews?: string | null
  idempotencyKey: string
  caller: Caller
}

export interface Prepared {
  submission: Submission
  groups: StoredGroup[]
}

/** Keyed hashes of a request, under which it is found again and compared (RULES 26). */
export interface RequestMacs {
  idempotency: string
  request: string
}

export async function requestMacs(part: Part, idempotencyKey: string, request: JsonValue): Promise<RequestMacs> {
  const bytes = (text: string) => new TextEncoder().encode(text)
  const [idempotency, requestMac] = await Promise.all([
    part.custody.mac('idempotency', bytes(`${part.register}|${idempotencyKey}`)),
    part.custody.mac('request', bytes(canonicalize(request))),
  ])
  return { idempotency: toBase64url(idempotency), request: toBase64url(requestMac) }
}

/** Runs the blueprint, splits the data into sealed groups and signs the record. Nothing is stored or sent yet. */
export async function prepareAction(part: Part, action: ActionRequest, macs: RequestMacs): Promise<Prepared> {
  const place = await findPlace(part, action)
  return signAction(part, place, { data: action.data, actor: { ...action.caller, signIn: 'access token' }, macs })
}

async function findPlace(part: Part, action: ActionRequest): Promise<Place> {
  if (action.case === null) return startPlace(part, { case: null, blueprint: action.blueprint ?? '' })
  const row = await getCaseRow(part, action.case)
  const { corrects = null, reviews = null } = action
  return placeIn(part, action.case, row, { step: action.step ?? '', bp: row.bp, corrects, reviews })
}

/** The same action again for an entry that expired unordered: same case, same data, same idempotency key (RULES 26). */
export async function renewAction(part: Part, expired: Submission): Promise<Prepared> {
  const entry = parseEntry(expired.jws)
  assert(entry.kind === 'action+sd-jwt')
  const { claims } = entry
  const own = await part.storage.recordGroups(part.register, expired.id, claims.as)
  const fields = (await part.vault.fields(own)).get(expired.id) ?? []
  const blueprint = await part.documents.get(claims.bp)
  const step = documentStepId(blueprint, claims.step)
  const computed = new Set((getStep(blueprint, step).calculations ?? []).map(({ field }) => field))
  const data = join(fields.filter(([pointer]) => pointer !== ACTOR_FIELD && !computed.has(pointer)))
  const actor = fields.find(([pointer]) => pointer === ACTOR_FIELD)?.[1] ?? null
  const macs = { idempotency: expired.idempotency, request: expired.request }
  const row = await findCaseRow(part, claims.case)
  if (row === undefined) {
    return signAction(part, await startPlace(part, { case: claims.case, blueprint: claims.bp }), { data, actor, macs })
  }
  const replaced = row.records.find(({ id }) => id === claims.replaces)
  const place = await placeIn(part, claims.case, row, {
    step,
    bp: claims.bp,
    corrects: replaced !== undefined && isCorrection(row, claims, replaced) ? replaced.id : null,
    reviews: blueprint.review?.request.includes(step) ? (claims.prev[0] ?? null) : null,
  })
  return signAction(part, place, { data, actor, macs })
}

async function signAction(
  part: Part,
  place: Place,
  content: { data: JsonObject; actor: JsonValue; macs: RequestMacs },
): Promise<Prepared> {
  const { blueprint, caseId, step, role, prev } = place
  const iat = part.clock.now()
  const version = { bp: place.hash, blueprint }
  const { roles, row } = place
  const view =
    row === null
      ? { values: {}, sees: {}, bound: {} }
      : await viewOf(part, { caseId, row, version, role, prev, before: Number.MAX_SAFE_INTEGER, roles })
  const outcome = advance(blueprint, view, { step, role, data: content.data }, iat)
  const skeletonStep = place.blueprintRow.skeleton.steps.find(({ id }) => id === opaqueStepId(blueprint, step))!
  const starter = place.bindsSigner ? { [role]: part.member } : {}
  const bind = Object.entries({ ...starter, ...outcome.bind }).map(([bound, member]) => [bound, { member }] as const)

  const groups = groupsOf(blueprint, step)
  const fields = new Map<string, JsonValue>(split(outcome.data))
  const fieldsOfGroup = groups.map((group): Field[] =>
    group.index === 0
      ? [[ACTOR_FIELD, content.actor]]
      : group.fields.flatMap((pointer): Field[] => (fields.has(pointer) ? [[pointer, fields.get(pointer)!]] : [])),
  )
  const built = buildRecordClaims({
    claims: {
      iss: part.member,
      iat,
      jti: toBase64url(part.random(16)),
      reg: part.register,
      bp: place.hash,
      case: caseId,
      step: skeletonStep.id,
      as: role,
      prev: [...prev],
      next: outcome.next.map((id) => opaqueStepId(blueprint, id)).sort(),
      bind: Object.fromEntries(bind),
      replaces: place.replaces,
    },
    groups: fieldsOfGroup,
    digestCount: skeletonStep.digests,
  })
  const kid = await getRecordKid(part)
  const { signingInput, recordId } = recordSigningInput(built.claims, kid)
  const signature = await part.custody.sign(kid, new TextEncoder().encode(signingInput))
  const jws = `${signingInput}.${toBase64url(signature)}`
  await refuseUnacceptable(part, jws)
  const retention = getStep(blueprint, step).retention
  const kept = await Promise.all(
    built.groups.map(({ index, salt, disclosures }) => {
      const { key, sealed } = sealGroup({ index, recordId, salt, disclosures })
      const subject = groups[index]!.subject
      return keepGroup(part, {
        scope: { register: part.register, case: caseId, subject, role, retention },
        record: recordId,
        index,
        key,
        sealed,
      })
    }),
  )
  return {
    submission: {
      register: part.register,
      id: recordId,
      jws,
      kind: 'action+sd-jwt',
      case: caseId,
      iat,
      ...content.macs,
      state: 'pending',
      index: null,
      refusal: null,
    },
    groups: kept,
  }
}
