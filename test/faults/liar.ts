import { randomBytes } from 'node:crypto'
import type { CaseView } from '../../src/api/cases.ts'
import type { JsonObject } from '../../src/core/canonical-json.ts'
import { signByHand } from '../../src/sandbox/demo/attacks/hand-signed.ts'
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
export function signLie(network: Network, liar: MemberNode, lie: Lie): Promise<SignedLie> {
  const by = { network, clock: { now: () => lie.iat }, random: (sizeBytes: number) => randomBytes(sizeBytes) }
  return signByHand(by, liar, { ...lie, blueprint: network.blueprint, inTheNameOf: liar })
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
