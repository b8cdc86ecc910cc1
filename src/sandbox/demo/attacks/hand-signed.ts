import { getStep, opaqueNext, opaqueStepId } from '../../../core/blueprint/blueprint.ts'
import { ACTOR_FIELD, groupsOf } from '../../../core/blueprint/groups.ts'
import { split } from '../../../core/blueprint/pointer.ts'
import { skeletonOf } from '../../../core/blueprint/skeleton.ts'
import type { JsonObject, JsonValue } from '../../../core/canonical-json.ts'
import type { Clock } from '../../../core/clock.ts'
import { toBase64url } from '../../../core/crypto/base64url.ts'
import { digest } from '../../../core/crypto/hash.ts'
import { formatCompactJws, formatSigningInput } from '../../../core/crypto/jws.ts'
import { thumbprint } from '../../../core/crypto/thumbprint.ts'
import type { OwnCaseClaims } from '../../../core/ledger/case-claims.ts'
import { sealGroup } from '../../../core/record/group.ts'
import { buildRecordClaims, type Field, recordSigningInput } from '../../../core/record/record.ts'
import { Vault } from '../../../node/vault.ts'
import type { StoredGroup, Submission } from '../../../storage/storage.ts'
import type { MemberNode } from '../../member-node.ts'
import { honestData, memberOf, recordOf, type Stage, SUCCEEDED, submitRaw } from './stage.ts'

/** What a member's own node would have refused, or computed otherwise. Steps are the document's. */
export interface HandSigned {
  blueprint: string
  case: string
  step: string
  prev: readonly string[]
  next: readonly string[]
  bind: Readonly<Record<string, string>>
  /** As signed, calculated fields included. */
  data: JsonObject
  /** Digests of more disclosures, in the place of decoys. */
  alsoReferenced?: readonly string[]
  /** Whose key the record claims to be signed with. */
  inTheNameOf: MemberNode
}

/** A record signed and sealed with a member's own keys, as its node would do it, but without running a single rule. */
export async function signByHand(
  { network, clock, random }: Pick<Stage, 'network' | 'random'> & { clock: Pick<Clock, 'now'> },
  signer: MemberNode,
  { blueprint, case: caseId, step, prev, next, bind, data, inTheNameOf, alsoReferenced = [] }: HandSigned,
): Promise<{ submission: Submission; groups: StoredGroup[] }> {
  const { document, register } = network
  const { role, retention } = getStep(document, step)
  const skeletonStep = skeletonOf(document).steps.find(({ id }) => id === opaqueStepId(document, step))!
  const groups = groupsOf(document, step)
  const fields = new Map<string, JsonValue>(split(data))
  const iat = clock.now()
  const built = buildRecordClaims({
    claims: {
      iss: inTheNameOf.member,
      iat,
      jti: toBase64url(random(16)),
      reg: register,
      bp: blueprint,
      case: caseId,
      step: skeletonStep.id,
      as: role,
      prev: [...prev],
      next: opaqueNext(document, next),
      bind: Object.fromEntries(Object.entries(bind).map(([bound, member]) => [bound, { member }])),
      replaces: null,
    },
    groups: groups.map((group): Field[] =>
      group.index === 0
        ? [[ACTOR_FIELD, { kind: 'client', name: 'attacker', signIn: 'own key' }]]
        : group.fields.flatMap((pointer): Field[] => (fields.has(pointer) ? [[pointer, fields.get(pointer)!]] : [])),
    ),
    digestCount: skeletonStep.digests,
  })
  const real = new Set(built.groups.flatMap(({ disclosures }) => disclosures.map((text) => digest(text))))
  const decoys = built.claims._sd.filter((hash) => !real.has(hash))
  const _sd = [...real, ...decoys.slice(alsoReferenced.length), ...alsoReferenced].sort()
  const kid = thumbprint(inTheNameOf.custody.publicKeys().record.at(-1)!)
  const ownKid = thumbprint(signer.custody.publicKeys().record.at(-1)!)
  const { signingInput, recordId } = recordSigningInput({ ...built.claims, _sd }, kid)
  const signature = await signer.custody.sign(ownKid, new TextEncoder().encode(signingInput))
  const vault = new Vault(signer.custody)
  const kept = built.groups.map(({ index, salt, disclosures }) => {
    const { key, sealed } = sealGroup({ index, recordId, salt, disclosures })
    const scope = { register, case: caseId, subject: groups[index]!.subject, role, retention }
    return vault.keep({ scope: { ...scope, after: null }, record: recordId, index, key, sealed })
  })
  return {
    submission: {
      register,
      id: recordId,
      jws: `${signingInput}.${toBase64url(signature)}`,
      kind: 'action+sd-jwt',
      case: caseId,
      iat,
      idempotency: toBase64url(random(16)),
      request: '',
      state: 'pending',
      index: null,
      refusal: null,
    },
    groups: await Promise.all(kept),
  }
}

/** The agency's answer in a case, signed by hand: as an honest one would be, but for what is said otherwise. */
export async function signAnswer(
  stage: Stage,
  caseId: string,
  otherwise: Partial<HandSigned> & { signer?: MemberNode } = {},
): Promise<{ submission: Submission; groups: StoredGroup[] }> {
  const { cast, network } = stage
  const agency = memberOf(stage, 'agency')
  return signByHand(stage, otherwise.signer ?? agency, {
    blueprint: network.blueprint,
    case: caseId,
    step: cast.answer,
    prev: otherwise.prev ?? [await recordOf(stage, caseId, cast.asked)],
    next: ['decide'],
    bind: {},
    data: honestData(stage, cast.scenario, cast.answer),
    inTheNameOf: agency,
    ...otherwise,
  })
}

/** An entry about a case that is no record, signed with a member's own key past its node. */
export async function signEntryByHand<K extends 'confirm' | 'dispute' | 'lapse' | 'resolve'>(
  { network, clock, random }: Pick<Stage, 'network' | 'random'> & { clock: Pick<Clock, 'now'> },
  signer: MemberNode,
  kind: K,
  claims: OwnCaseClaims[K],
): Promise<string> {
  const kid = thumbprint(signer.custody.publicKeys().record.at(-1)!)
  const signed = { iss: signer.member, iat: clock.now(), jti: toBase64url(random(16)), reg: network.register }
  const signingInput = formatSigningInput({ alg: 'ES256', kid, typ: kind }, { ...signed, ...claims })
  return formatCompactJws(signingInput, await signer.custody.sign(kid, new TextEncoder().encode(signingInput)))
}

/** Puts it on the register, past the signer's node, which then owes its groups to their recipients like those of any other record. */
export async function commitByHand(
  stage: Stage,
  signer: MemberNode,
  signed: { submission: Submission; groups: StoredGroup[] },
): Promise<void> {
  await signer.storage.saveSubmissions([signed])
  const code = await submitRaw(stage, signer, signed.submission.jws)
  if (code !== SUCCEEDED) throw new Error(`the register refused what it cannot see through: ${code}`)
}
