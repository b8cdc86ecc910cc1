import { auditRegister } from '../../core/ledger/audit.ts'
import { nodeChecks } from '../../core/ledger/node-checks.ts'
import { openSqliteStorage } from '../../storage/sqlite.ts'
import { perSecond } from './measure.ts'

/** Entries a second of a full audit from leaves alone: every signature, rule, tile and row. */
export async function benchAudit(path: string, register: string) {
  const store = await openSqliteStorage({ path })
  const start = performance.now()
  const { size } = await auditRegister({ register, store, checks: nodeChecks, onProgress: () => {} })
  const rate = perSecond(size, start)
  await store.close()
  return { entries: size, perSecond: rate, minutesPerMillion: 1_000_000 / rate / 60 }
}
