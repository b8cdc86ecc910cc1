import { ConcordatError } from '../core/error.ts'
import { groupValues, owedErasureValues, receiptValues } from './sqlite-rows.ts'
import type { Statements } from './sqlite-statements.ts'
import type { Closing, StoredGroup } from './storage.ts'

// Work of one write, inside its transaction. `number` is the register's.

/** Removes the groups of destroyed vault keys. */
export function eraseGroups(sql: Statements, vaultKeys: readonly string[]): void {
  for (const { register, record, role } of vaultKeys.flatMap((vaultKey) => sql.dropGroupsOfVaultKey.all(vaultKey)))
    sql.eraseEmptyReceipts.run({ register: register!, record: record!, role: role! })
}

export function closeGroups(sql: Statements, number: number, closing: Closing): void {
  for (const vaultKey of closing.retired) sql.retireVaultKey.run({ vaultKey, register: number, case: closing.case })
  for (const { record, role, index: idx, vaultKey, wrappedKey } of closing.renewed)
    sql.renewGroup.run({ register: number, record, role, idx, vaultKey, wrappedKey })
  for (const { record, role, index: idx } of closing.closed) {
    sql.dropGroup.run({ register: number, record, role, idx })
    sql.eraseEmptyReceipts.run({ register: number, record, role })
  }
  for (const vaultKey of closing.retired) if (sql.groupUnderVaultKey.get(vaultKey) !== undefined) throw retired()
  for (const receipt of closing.receipts) {
    const { register, record, role, authorisedBy } = receiptValues(number, receipt)
    sql.endAwaitedReceipt.run({ register: register!, record: record!, role: role!, authorisedBy: authorisedBy! })
  }
  sql.addOwedErasure.run(owedErasureValues(number, closing.owed))
}

/** A key that is to be destroyed takes nothing more: what was wrapped under it before would be lost with it. */
export function addGroup(sql: Statements, number: number, group: StoredGroup): void {
  if (sql.isRetired.get(group.vaultKey) !== undefined) throw retired()
  sql.addGroup.run(groupValues(number, group))
}

function retired(): ConcordatError {
  return new ConcordatError({
    code: 'VAULT_KEY_RETIRED',
    expected: 'groups under vault keys in use',
    got: 'one under a key that a recall ends',
  })
}
