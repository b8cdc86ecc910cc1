import { randomBytes } from 'node:crypto'
import type { CaseView } from '../../src/api/cases.ts'
import { getStep, opaqueStepId } from '../../src/core/blueprint/blueprint.ts'
import { ACTOR_FIELD, groupsOf } from '../../src/core/blueprint/groups.ts'
import { split } from '../../src/core/blueprint/pointer.ts'
import { skeletonOf } from '../../src/core/blueprint/skeleton.ts'
import type { JsonObject, JsonValue } from '../../src/core/canonical-json.ts'
import { toBase64url } from '../../src/core/crypto/base64url.ts'
import { thumbprint } from '../../src/core/crypto/thumbprint.ts'
import { sealGroup } from '../../src/core/record/group.ts'
import { buildRecordClaims, type Field, recordSigningInput } from '../../src/core/record/record.ts'
import { Vault } from '../../src/node/vault.ts'
import type { MemberNode } from '../../src/sandbox/member-node.ts'
import type { Network } from '../../src/sandbox/network.ts'
import type { StoredGroup, Submission } from '../../src/storage/storage.ts'

/** What a member's own node would have refused, or computed otherwise. Steps are the document's. */
export interface Lie {
  case: string
  step: string
  prev: readonly string[]
  next: readonly string[]
  bind: Readonly<Record<string, string>>
  /** As signed, calculated fields included. */
  data: JsonObject
  iat: number
}

export interface SignedLie {
  submission: Submission
  groups: StoredGroup[]
}

/** A record signed and sealed with a member's own keys, as its node would do it, but without running the blueprint's rules. */
export async function signLie(network: Network, liar: MemberNode, lie: Lie): Promise<SignedLie> {
  const { document, register } = network
  const { role, retention } = getStep(document, lie.step)
  const skeletonStep = skeletonOf(document).steps.find(({ id }) => id === opaqueStepId(document, lie.step))!
  const groups = groupsOf(document, lie.step)
  const built = buildRecordClaims({
    claims: {
      iss: liar.member,
      iat: lie.iat,
      jti: toBase64url(randomBytes(16)),
      reg: register,
      bp: network.blueprint,
      case: lie.case,
      step: skeletonStep.id,
      as: role,
      prev: [...lie.prev],
      next: lie.next.map((id) => opaqueStepId(document, id)).sort(),
      bind: Object.fromEntries(Object.entries(lie.bind).map(([bound, member]) => [bound, { member }])),
      replaces: null,
    },
    groups: fieldsOfGroups(groups, lie.data),
    digestCount: skeletonStep.digests,
  })
  const { signingInput, recordId } = recordSigningInput(built.claims, thumbprint(liar.custody.publicKeys().record))
  const signature = await liar.custody.sign('record', new TextEncoder().encode(signingInput))
  const vault = new Vault(liar.custody)
  const kept = built.groups.map(({ index, salt, disclosures }) => {
    const { key, sealed } = sealGroup({ index, recordId, salt, disclosures })
    const scope = { register, case: lie.case, subject: groups[index]!.subject, role, retention }
    return vault.keep({ scope, record: recordId, index, key, sealed })
  })
  return {
    submission: {
      register,
      id: recordId,
      jws: `${signingInput}.${toBase64url(signature)}`,
      kind: 'action+sd-jwt',
      case: lie.case,
      iat: lie.iat,
      idempotency: toBase64url(randomBytes(16)),
      request: '',
      state: 'pending',
      index: null,
      refusal: null,
    },
    groups: await Promise.all(kept),
  }
}

/** Puts a lie on the register. The liar's node then owes its groups to their recipients like those of any other record. */
export async function submitLie(
  sequencer: MemberNode,
  liar: MemberNode,
  { submission, groups }: SignedLie,
): Promise<string> {
  await liar.storage.saveSubmissions([{ submission, groups }])
  const { register, id, jws } = submission
  const [outcome] = await sequencer.node.submitEntries(register, liar.member, [jws])
  if (outcome === undefined || 'refusal' in outcome)
    throw new Error(`the register refused it: ${outcome?.refusal.code}`)
  return id
}

/** Where a case stands: what an action at its only open step has as `prev`. */
export function lastRecord(view: CaseView): string {
  return view.records.at(-1)!.record
}

function fieldsOfGroups(groups: ReturnType<typeof groupsOf>, data: JsonObject): Field[][] {
  const fields = new Map<string, JsonValue>(split(data))
  return groups.map((group): Field[] =>
    group.index === 0
      ? [[ACTOR_FIELD, { kind: 'client', name: 'liar', signIn: 'access token' }]]
      : group.fields.flatMap((pointer): Field[] => (fields.has(pointer) ? [[pointer, fields.get(pointer)!]] : [])),
  )
}
