import { type Blueprint, blueprintHash, opaqueStepId, parseBlueprint } from '../core/blueprint/blueprint.ts'
import { checkBlueprint } from '../core/blueprint/check/check-blueprint.ts'
import { skeletonOf } from '../core/blueprint/skeleton.ts'
import { canonicalize, type JsonObject, type JsonValue } from '../core/canonical-json.ts'
import { ConcordatError } from '../core/error.ts'
import { findProposal, findRegister } from '../core/ledger/state.ts'
import type { Prepared, RequestMacs } from './act.ts'
import { getBlueprintRow, type Part } from './part.ts'
import { signEntry } from './sign-entry.ts'

/** How long the members have to approve (RULES 8). */
const PROPOSAL_LIFE_SECONDS = 90 * 24 * 60 * 60

export interface CheckedDocument {
  blueprint: Blueprint
  hash: string
  text: string
  warnings: ReturnType<typeof checkBlueprint>['warnings']
}

/** A document fit to be proposed: no error in it. Warnings are for approvers to accept by name. */
export function checkDocument(document: JsonValue): CheckedDocument {
  const blueprint = parseBlueprint(document)
  const { errors, warnings } = checkBlueprint(blueprint)
  const [first] = errors
  if (first !== undefined) {
    throw new ConcordatError({
      code: 'BLUEPRINT_NOT_SOUND',
      expected: 'a blueprint without errors',
      got: `${errors.length}, the first at ${first.at || '/'}`,
      at: first.at,
      errors: errors.map(({ code, at, message }) => ({ code, at, message })),
    })
  }
  return { blueprint, hash: blueprintHash(document), text: canonicalize(document), warnings }
}

/** The version whose place a proposal takes; `mapping`, by document step ids: where running cases go on, null where they keep theirs. */
export interface Replacement {
  replaces: string | null
  mapping: Readonly<Record<string, string>> | null
}

export async function prepareProposal(
  part: Part,
  checked: CheckedDocument,
  { replaces, mapping }: Replacement,
  macs: RequestMacs,
): Promise<Prepared> {
  const register = findRegister(await part.ordering.log.rows(['register']))
  const before = replaces === null || mapping === null ? null : await part.documents.get(replaces)
  const claims = {
    rules: register?.rules ?? 1,
    expires: part.clock.now() + PROPOSAL_LIFE_SECONDS,
    what: {
      type: 'blueprint',
      blueprint: checked.hash,
      skeleton: skeletonOf(checked.blueprint) as unknown as JsonObject,
      replaces,
      mapping: before === null || mapping === null ? mapping : opaqueMapping(before, checked.blueprint, mapping),
    },
  }
  const submission = await signEntry(part, { kind: 'proposal', key: 'governance', case: null, claims }, macs)
  await part.documents.save(checked.hash, checked.text)
  return { submission, groups: [] }
}

function opaqueMapping(
  before: Blueprint,
  after: Blueprint,
  mapping: Readonly<Record<string, string>>,
): Record<string, string> {
  return Object.fromEntries(
    Object.entries(mapping).map(([from, to]) => {
      const known = before.steps.some(({ id }) => id === from) && after.steps.some(({ id }) => id === to)
      if (known) return [opaqueStepId(before, from), opaqueStepId(after, to)]
      // It may name neither step: they could be anything that the sender made up.
      throw new ConcordatError({
        code: 'STEP_UNKNOWN',
        expected: 'steps of the replaced version, each mapped to one of the new version',
        got: 'another step',
      })
    }),
  )
}

/** RULES 11, 12: nobody approves a document that its own node has not read and checked against the skeleton. */
export async function prepareApproval(
  part: Part,
  approval: { proposal: string; target: string; roles: readonly string[] },
  macs: RequestMacs,
): Promise<Prepared> {
  const find = async () =>
    findProposal(await part.ordering.log.rows([`proposal/${approval.proposal}`]), approval.proposal)
  let proposal = await find()
  if (proposal === undefined) {
    await part.ordering.catchUp()
    proposal = await find()
  }
  if (proposal === undefined) {
    throw new ConcordatError({ code: 'PROPOSAL_UNKNOWN', expected: "a proposal's entry id", got: 'another id' })
  }
  if (proposal.what.type === 'blueprint') {
    const blueprint = await part.documents.get(proposal.what.blueprint)
    const { skeleton } = await getBlueprintRow(part, proposal.what.blueprint)
    if (
      canonicalize(skeletonOf(blueprint) as unknown as JsonValue) !== canonicalize(skeleton as unknown as JsonValue)
    ) {
      throw new ConcordatError({
        code: 'SKELETON_NOT_OF_DOCUMENT',
        expected: 'the skeleton of the document that the proposal names',
        got: 'another',
      })
    }
  }
  const { proposal: id, target, roles } = approval
  const claims = { proposal: id, target, roles: [...roles].sort() }
  return {
    submission: await signEntry(part, { kind: 'approval', key: 'governance', case: null, claims }, macs),
    groups: [],
  }
}
