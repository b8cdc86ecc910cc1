import { mkdirSync } from 'node:fs'
import { join } from 'node:path'
import { backup, DatabaseSync } from 'node:sqlite'
import { auditRegister } from '../../../core/ledger/audit.ts'
import { nodeChecks } from '../../../core/ledger/node-checks.ts'
import { openSqliteSnapshot } from '../../../storage/sqlite.ts'
import { type Attack, clientOf, codeOf, type Stage } from './stage.ts'

export const editedLeaf: Attack = {
  name: 'edited-leaf',
  title: () => "A leaf edited in the database: someone changes one byte of a decision in the council's own file",
  why: () =>
    'Every entry is hashed into a tree that the others have signed; an audit names the entry that no longer fits.',
  async run(stage) {
    const { records } = await clientOf(stage, 'council').getCase(stage.cases.get(stage.cast.refused.scenario)!)
    const { index } = records.findLast(({ step }) => step === 'decide')!
    const edited = join(stage.folder, 'edited', 'node.db')
    mkdirSync(join(stage.folder, 'edited'), { recursive: true })
    const original = new DatabaseSync(join(stage.folder, 'council', 'node.db'), { readOnly: true })
    await backup(original, edited)
    original.close()
    editByte(edited, index)
    const others = [...stage.network.members.keys()].filter((id) => id !== 'council')
    const codes = await Promise.all(others.map((id) => codeOf(() => audit(stage, join(stage.folder, id, 'node.db')))))
    const failed = codes.filter((code) => code !== 'SUCCEEDED')
    return [
      {
        what: `an audit of the edited copy names leaf ${index}`,
        expected: `AUDIT_LEAF_ALTERED ${index}`,
        got: await auditedLeaf(stage, edited),
      },
      {
        what: `audits of the other ${others.length} members' files pass`,
        expected: 'PASSED',
        got: failed.length === 0 ? 'PASSED' : failed.join(', '),
      },
    ]
  },
}

function editByte(path: string, index: number): void {
  const db = new DatabaseSync(path)
  const row = db.prepare('SELECT leaf FROM leaves WHERE idx = ?').get(index)
  const leaf = Buffer.from(String(row?.leaf))
  const at = Math.floor(leaf.length / 2)
  leaf[at]! ^= 1
  db.prepare('UPDATE leaves SET leaf = CAST(? AS TEXT) WHERE idx = ?').run(leaf, index)
  db.close()
}

async function audit({ network }: Stage, path: string): Promise<void> {
  const store = await openSqliteSnapshot({ path })
  try {
    await auditRegister({ register: network.register, store, checks: nodeChecks, onProgress() {} })
  } finally {
    await store.close()
  }
}

async function auditedLeaf(stage: Stage, path: string): Promise<string> {
  let index = ''
  const code = await codeOf(() =>
    audit(stage, path).catch((error: unknown) => {
      if (error instanceof Error && 'detail' in error) index = ` ${(error.detail as { index?: number }).index ?? ''}`
      throw error
    }),
  )
  return `${code}${index}`
}
