import { type Blueprint, blueprintHash, parseBlueprint } from '../core/blueprint/blueprint.ts'
import { checkBlueprint } from '../core/blueprint/check-blueprint.ts'
import { skeletonOf } from '../core/blueprint/skeleton.ts'
import { canonicalize, type JsonObject, type JsonValue } from '../core/canonical-json.ts'
import { toBase64url } from '../core/crypto/base64url.ts'
import { digest } from '../core/crypto/hash.ts'
import { formatCompactJws, formatSigningInput } from '../core/crypto/jws.ts'
import { thumbprint } from '../core/crypto/thumbprint.ts'
import { ConcordatError } from '../core/error.ts'
import { findProposal, findRegister } from '../core/ledger/state.ts'
import type { Prepared, RequestMacs } from './act.ts'
import { getBlueprintRow, type Part, refuseUnacceptable } from './part.ts'

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

export async function prepareProposal(part: Part, checked: CheckedDocument, macs: RequestMacs): Promise<Prepared> {
  const rows = await part.ordering.log.rows(['register'])
  const register = findRegister(rows)
  const iat = part.clock.now()
  const prepared = await signGovernance(part, macs, 'proposal', iat, {
    rules: register?.rules ?? 1,
    expires: iat + PROPOSAL_LIFE_SECONDS,
    what: {
      type: 'blueprint',
      blueprint: checked.hash,
      skeleton: skeletonOf(checked.blueprint) as unknown as JsonObject,
      replaces: null,
    },
  })
  await part.documents.save(checked.hash, checked.text)
  return prepared
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
  return signGovernance(part, macs, 'approval', part.clock.now(), { proposal: id, target, roles: [...roles].sort() })
}

async function signGovernance(
  part: Part,
  macs: RequestMacs,
  kind: 'proposal' | 'approval',
  iat: number,
  claims: JsonObject,
): Promise<Prepared> {
  const kid = thumbprint(part.custody.publicKeys().governance)
  const jti = toBase64url(part.random(16))
  const signingInput = formatSigningInput(
    { alg: 'ES256', kid, typ: kind },
    { iss: part.member, iat, jti, reg: part.register, ...claims },
  )
  const signature = await part.custody.sign('governance', new TextEncoder().encode(signingInput))
  const jws = formatCompactJws(signingInput, signature)
  await refuseUnacceptable(part, jws)
  return {
    submission: {
      register: part.register,
      id: digest(signingInput),
      jws,
      kind,
      case: null,
      iat,
      ...macs,
      state: 'pending',
      index: null,
      refusal: null,
    },
    groups: [],
  }
}
