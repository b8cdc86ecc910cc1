import { advance } from '../core/blueprint/advance.ts'
import { type Blueprint, documentStepId, getStep, opaqueStepId } from '../core/blueprint/blueprint.ts'
import { ACTOR_FIELD, groupsOf } from '../core/blueprint/groups.ts'
import { join, split } from '../core/blueprint/pointer.ts'
import { canonicalize, type JsonObject, type JsonValue } from '../core/canonical-json.ts'
import { toBase64url } from '../core/crypto/base64url.ts'
import { thumbprint } from '../core/crypto/thumbprint.ts'
import { ConcordatError } from '../core/error.ts'
import { parseEntry } from '../core/ledger/entry.ts'
import type { BlueprintRow, CaseRow } from '../core/ledger/state.ts'
import { sealGroup } from '../core/record/group.ts'
import { buildRecordClaims, type Field, recordSigningInput } from '../core/record/record.ts'
import type { StoredGroup, Submission } from '../storage/storage.ts'
import { findCaseRow, getBlueprintRow, getCaseRow, type Part, refuseUnacceptable } from './part.ts'
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
  const place = action.case === null ? await startPlace(part, action) : await openPlace(part, action.case, action)
  return signAction(part, place, { data: action.data, actor: { ...action.caller, signIn: 'access token' }, macs })
}

/** The same action again for an entry that expired unordered: same case, same data, same idempotency key (RULES 26). */
export async function renewAction(part: Part, expired: Submission): Promise<Prepared> {
  const { claims } = parseEntry(expired.jws)
  if (!('step' in claims)) throw new TypeError('only actions are renewed here')
  const own = await part.storage.recordGroups(part.register, expired.id, claims.as)
  const fields = (await part.vault.fields(own)).get(expired.id) ?? []
  const blueprint = await part.documents.get(claims.bp)
  const step = documentStepId(blueprint, claims.step)
  const computed = new Set((getStep(blueprint, step).calculations ?? []).map(({ field }) => field))
  const data = join(fields.filter(([pointer]) => pointer !== ACTOR_FIELD && !computed.has(pointer)))
  const actor = fields.find(([pointer]) => pointer === ACTOR_FIELD)?.[1] ?? null
  const macs = { idempotency: expired.idempotency, request: expired.request }
  const request = { case: claims.case, blueprint: claims.bp, step }
  const started = (await findCaseRow(part, claims.case)) !== undefined
  const place = started ? await openPlace(part, claims.case, request) : await startPlace(part, request)
  return signAction(part, place, { data, actor, macs })
}

interface Place {
  caseId: string
  row: CaseRow | null
  blueprintRow: BlueprintRow
  blueprint: Blueprint
  hash: string
  step: string
  role: string
  prev: readonly string[]
}

async function startPlace(
  part: Part,
  request: { case: string | null; blueprint: string | null; step: string | null },
): Promise<Place> {
  const hash = request.blueprint ?? ''
  const blueprintRow = await getBlueprintRow(part, hash)
  const blueprint = await part.documents.get(hash)
  const step = getStep(blueprint, blueprint.start)
  const caseId = request.case ?? toBase64url(part.random(16))
  return { caseId, row: null, blueprintRow, blueprint, hash, step: step.id, role: step.role, prev: [] }
}

async function openPlace(part: Part, caseId: string, request: { step: string | null }): Promise<Place> {
  const row = await getCaseRow(part, caseId)
  const blueprintRow = await getBlueprintRow(part, row.bp)
  const blueprint = await part.documents.get(row.bp)
  const step = blueprint.steps.find(({ id }) => id === request.step)
  if (step === undefined) {
    throw new ConcordatError({ code: 'STEP_UNKNOWN', expected: 'a step of the blueprint', got: 'another' })
  }
  const opaque = opaqueStepId(blueprint, step.id)
  const opening = step.withdrawal
    ? { prev: [row.records[0]!.id] }
    : row.openings.findLast((candidate) => candidate.step === opaque)
  if (opening === undefined || row.ended) {
    throw new ConcordatError({
      code: 'STEP_NOT_OPEN',
      expected: row.ended ? 'a case that has not ended' : `one of ${openSteps(blueprint, row).join(', ')}`,
      got: step.id,
      step: step.id,
      open: openSteps(blueprint, row),
    })
  }
  if (row.roles[step.role] !== undefined && row.roles[step.role]?.member !== part.member) {
    throw new ConcordatError({
      code: 'SIGNER_NOT_BOUND_TO_ROLE',
      expected: `the member bound to ${step.role}`,
      got: 'another member',
      role: step.role,
    })
  }
  return { caseId, row, blueprintRow, blueprint, hash: row.bp, step: step.id, role: step.role, prev: opening.prev }
}

function openSteps(blueprint: Blueprint, row: CaseRow): string[] {
  return row.openings.map(({ step }) => documentStepId(blueprint, step)).sort()
}

async function signAction(
  part: Part,
  place: Place,
  content: { data: JsonObject; actor: JsonValue; macs: RequestMacs },
): Promise<Prepared> {
  const { blueprint, caseId, step, role, prev } = place
  const iat = part.clock.now()
  const view =
    place.row === null
      ? { values: {}, sees: {}, bound: {} }
      : await viewOf(part, { caseId, row: place.row, blueprint, role, prev, before: Number.MAX_SAFE_INTEGER })
  const outcome = advance(blueprint, view, { step, role, data: content.data }, iat)
  const skeletonStep = place.blueprintRow.skeleton.steps.find(({ id }) => id === opaqueStepId(blueprint, step))!
  const fixed = place.blueprintRow.skeleton.roles.find(({ id }) => id === role)?.member !== null
  const starter = place.row === null && !fixed ? { [role]: part.member } : {}
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
      replaces: null,
    },
    groups: fieldsOfGroup,
    digestCount: skeletonStep.digests,
  })
  const kid = thumbprint(part.custody.publicKeys().record)
  const { signingInput, recordId } = recordSigningInput(built.claims, kid)
  const signature = await part.custody.sign('record', new TextEncoder().encode(signingInput))
  const jws = `${signingInput}.${toBase64url(signature)}`
  await refuseUnacceptable(part, jws)
  const retention = getStep(blueprint, step).retention
  const kept = await Promise.all(
    built.groups.map(({ index, salt, disclosures }) => {
      const { key, sealed } = sealGroup({ index, recordId, salt, disclosures })
      const subject = groups[index]!.subject
      return part.vault.keep({
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
