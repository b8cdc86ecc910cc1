import type { AkpPublicJwk, OkpPublicJwk } from '../crypto/jwk.ts'

/** The two checkpoint keys of an operator (RULES 6), as its member entry states them. */
export interface CheckpointKeys {
  ed25519: OkpPublicJwk
  mldsa44: AkpPublicJwk
}

/** An operator whose cosignatures count. `member` is its member id and the name of its note keys. */
export interface OperatorKeys extends CheckpointKeys {
  member: string
}

/** Who counts for a checkpoint, and how many of them it takes: for every size from `fromSize` up to the next configuration (RULES 30). */
export interface Configuration {
  fromSize: number
  operators: OperatorKeys[]
  quorum: number
}

/** What is needed of a member to know who operates. `checkpoint` is null unless the member runs its own node. */
export interface OperatingMember {
  id: string
  voting: boolean
  operator: string
  standing: 'in' | 'suspended' | 'removed'
  checkpoint: CheckpointKeys | null
}

/** RULES 7: q = floor((n + f) / 2) + 1 with f = floor((n - 1) / 3), in whole numbers. */
export function quorumOf(operators: number): number {
  const faulty = operators === 0 ? 0 : (operators - 1 - ((operators - 1) % 3)) / 3
  const sum = operators + faulty
  return (sum - (sum % 2)) / 2 + 1
}

/**
 * RULES 6: an operator counts once if it runs a voting member in standing, however many it runs. Sorted by member id.
 * One that states no checkpoint keys of its own cannot cosign and is left out.
 */
export function operatorsOf(members: readonly OperatingMember[]): OperatorKeys[] {
  const running = new Set(members.filter((m) => m.voting && m.standing === 'in').map((m) => m.operator))
  const operators: OperatorKeys[] = []
  for (const { id, operator, checkpoint } of members) {
    if (running.has(id) && operator === id && checkpoint !== null) operators.push({ member: id, ...checkpoint })
  }
  return operators.sort((a, b) => (a.member < b.member ? -1 : 1))
}

/** The configuration that decides about a checkpoint of this size; undefined before all founders are in. */
export function findConfiguration(configurations: readonly Configuration[], size: number): Configuration | undefined {
  let found: Configuration | undefined
  for (const configuration of configurations) {
    if (configuration.fromSize <= size && (found === undefined || configuration.fromSize > found.fromSize)) {
      found = configuration
    }
  }
  return found
}
