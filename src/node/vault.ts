import type { JsonValue } from '../core/canonical-json.ts'
import { ConcordatError } from '../core/error.ts'
import { parseDisclosure } from '../core/record/disclosure.ts'
import { openGroup } from '../core/record/group.ts'
import type { Disclosure } from '../core/record/sd-claims.ts'
import type { Custody, VaultItem } from '../custody/custody.ts'
import type { StoredGroup } from '../storage/storage.ts'
import { GroupCommit } from './group-commit.ts'

/** What one vault key is for: destroying it erases exactly that in this node (RULES 25). */
export interface VaultKeyScope {
  register: string
  case: string
  subject: string
  /** The role under which the fields are held. */
  role: string
  /** Retention class. */
  retention: string
  /** The recall of the case that this key follows: groups that stay after one get fresh keys. Null before the first. */
  after: string | null
}

/** In the place of a recall's id: destroyed once its scope is erased, also for keys of recalls to come. No key ever has it. */
const ERASURE_MARK = 'erased'

export interface GroupToKeep {
  scope: VaultKeyScope
  record: string
  index: number
  key: Uint8Array
  sealed: Uint8Array
}

/** Sealed groups and their keys: opened on read, never kept in clear. */
export class Vault {
  readonly #custody: Custody
  readonly #wrap: GroupCommit<VaultItem, Uint8Array | ConcordatError>

  constructor(custody: Custody) {
    this.#custody = custody
    this.#wrap = new GroupCommit((items) => wrapAll(custody, items))
  }

  /** A group ready to be stored. Its vault key is durable before this resolves. Throws ERASED after an erasure of its scope. */
  async keep({ scope, record, index, key, sealed }: GroupToKeep): Promise<StoredGroup> {
    if (scope.after !== null) await this.#refuseErased(scope)
    const vaultKey = vaultKeyId(scope)
    const wrappedKey = await this.#wrap.add({ vaultKey, bytes: key })
    if (wrappedKey instanceof ConcordatError) throw wrappedKey
    return { register: scope.register, case: scope.case, role: scope.role, record, index, vaultKey, wrappedKey, sealed }
  }

  /** An erasure destroyed the keys that there were, and cannot know of those that recalls have made since. */
  async #refuseErased(scope: VaultKeyScope): Promise<void> {
    const mark = { vaultKey: erasureMark(scope), bytes: new Uint8Array() }
    const isErased = await this.#custody.unwrap([mark]).then(
      ([bytes]) => bytes === undefined,
      (error: unknown) => {
        if (error instanceof ConcordatError && error.code === 'KEY_UNKNOWN') return false
        throw error
      },
    )
    if (isErased) throw new ConcordatError({ code: 'ERASED', expected: 'fields that are kept', got: 'erased ones' })
  }

  /** The groups' keys; undefined where the vault key has been destroyed. */
  groupKeys(groups: readonly StoredGroup[]): Promise<(Uint8Array | undefined)[]> {
    return this.#custody.unwrap(groups.map(({ vaultKey, wrappedKey }) => ({ vaultKey, bytes: wrappedKey })))
  }

  /** Each group in clear; undefined where erased. */
  async open(groups: readonly StoredGroup[]): Promise<({ salt: string; disclosures: Disclosure[] } | undefined)[]> {
    const keys = await this.groupKeys(groups)
    return groups.map(({ record, index, sealed }, i) => {
      const key = keys[i]
      if (key === undefined) return undefined
      const { salt, disclosures } = openGroup({ index, recordId: record, key, sealed })
      return { salt, disclosures: disclosures.map(parseDisclosure) }
    })
  }

  /** The fields of these groups, by record. Erased ones are left out. */
  async fields(groups: readonly StoredGroup[]): Promise<Map<string, [pointer: string, value: JsonValue][]>> {
    const byRecord = new Map<string, [string, JsonValue][]>()
    for (const [i, group] of (await this.open(groups)).entries()) {
      if (group === undefined) continue
      const { record } = groups[i]!
      const fields = byRecord.get(record) ?? []
      for (const { name, value } of group.disclosures) fields.push([name, value])
      byRecord.set(record, fields)
    }
    return byRecord
  }
}

/** What is erased concerns its own group alone, not those of others that were wrapped with it. */
async function wrapAll(custody: Custody, items: readonly VaultItem[]): Promise<(Uint8Array | ConcordatError)[]> {
  try {
    return await custody.wrap(items)
  } catch (error) {
    if (!(error instanceof ConcordatError) || error.code !== 'ERASED') throw error
    if (items.length === 1) return [error]
    return (await Promise.all(items.map((item) => wrapAll(custody, [item])))).flat()
  }
}

/** The parts hold no `|`: ids are base64url, names are of letters, digits, - and _. */
export function vaultKeyId({ register, case: caseId, subject, role, retention, after }: VaultKeyScope): string {
  return ['vault', register, caseId, subject, role, retention, ...(after === null ? [] : [after])].join('|')
}

export function erasureMark(scope: Omit<VaultKeyScope, 'after'>): string {
  return vaultKeyId({ ...scope, after: ERASURE_MARK })
}

export function parseVaultKeyId(id: string): { subject: string; role: string; retention: string } {
  const [, , , subject = '', role = '', retention = ''] = id.split('|')
  return { subject, role, retention }
}
