import { existsSync, statSync } from 'node:fs'
import { join } from 'node:path'
import { ConcordatError, type ErrorDetail } from '../core/error.ts'
import { type Audit, auditRegister } from '../core/ledger/audit.ts'
import { nodeChecks } from '../core/ledger/node-checks.ts'
import { openSqliteSnapshot } from '../storage/sqlite.ts'
import type { Storage } from '../storage/storage.ts'
import { parseRegister } from './options.ts'

const PROGRESS_AFTER_MS = 1_000
const PROGRESS_EVERY_MS = 500

export interface AuditCommand {
  /** A member's folder, or its node.db. Its node may be running. */
  data: string
  /** One register's id; undefined audits each register that is kept there. */
  register: string | undefined
  json: boolean
  /** The command's result, whole lines. */
  write: (text: string) => void
  /** How far it is, a line that replaces the one before. */
  progress: (text: string) => void
}

type Finding =
  | { register: string; passed: true; audit: Audit }
  | { register: string; passed: false; error: ErrorDetail }

/** Re-checks whole registers from their leaves. Answers the exit code: 0 if all is as it was signed, 1 if anything is not. */
export async function runAudit(command: AuditCommand): Promise<number> {
  const path = statSync(command.data, { throwIfNoEntry: false })?.isDirectory()
    ? join(command.data, 'node.db')
    : command.data
  const store = await openStore(path)
  try {
    const kept = (await store.registers()).map(({ register }) => register)
    const wanted = command.register === undefined ? kept : [parseRegister(command.register)]
    if (wanted.length === 0) {
      throw new ConcordatError({ code: 'REGISTER_UNKNOWN', expected: 'a register that is kept here', got: 'none' })
    }
    const findings: Finding[] = []
    for (const register of wanted) {
      const onProgress = progressLine(command.progress)
      findings.push(
        await auditRegister({ register, store, checks: nodeChecks, onProgress }).then(
          (audit): Finding => ({ register, passed: true, audit }),
          (error: unknown): Finding => {
            if (!(error instanceof ConcordatError)) throw error
            return { register, passed: false, error: error.detail }
          },
        ),
      )
    }
    if (command.json) command.write(`${JSON.stringify({ data: path, registers: findings }, null, 2)}\n`)
    else for (const finding of findings) command.write(textOf(finding))
    return findings.every(({ passed }) => passed) ? 0 : 1
  } finally {
    await store.close()
  }
}

async function openStore(file: string): Promise<Storage> {
  const expected = "a member's folder or its node.db"
  if (!existsSync(file)) throw new ConcordatError({ code: 'FILE_UNREADABLE', expected, got: 'neither', file })
  try {
    return await openSqliteSnapshot({ path: file })
  } catch (error) {
    if (!(error instanceof ConcordatError)) throw error
    throw new ConcordatError({ code: 'FILE_UNREADABLE', expected, got: error.detail.got, file }, { cause: error })
  }
}

function progressLine(progress: (text: string) => void): (done: { checked: number; size: number }) => void {
  const start = performance.now()
  let told = start + PROGRESS_AFTER_MS - PROGRESS_EVERY_MS
  return ({ checked, size }) => {
    const now = performance.now()
    if (now - told < PROGRESS_EVERY_MS) return
    told = now
    const perSecond = Math.round((checked * 1000) / (now - start))
    progress(`checked ${checked} of ${size} leaves, ${perSecond} a second`)
  }
}

function textOf(finding: Finding): string {
  const name = `Register ${finding.register}\n`
  if (!finding.passed) {
    const { code, expected, got, ...facts } = finding.error
    const where = Object.entries(facts).map(([fact, value]) => `${fact} ${String(value)}`)
    return `${name}  FAILED ${[code, ...where].join(', ')}\n  Expected ${expected}; got ${got}.\n`
  }
  const { size, root, committed, certificates, entries, members, operators, quorum } = finding.audit
  const kinds = Object.entries(entries).map(([kind, count]) => `${count} ${kind.replace('+sd-jwt', '')}`)
  return [
    `${name}  passed: ${size} leaves, root ${root}`,
    `  every leaf is signed by its member, keeps the rules and comes in the order of time (${kinds.join(', ')})`,
    `  every hash tile and state row is the one that these leaves give`,
    `  ${certificates} signed checkpoints agree; the newest covers ${committed} leaves and needs ${quorum} of ${operators} operators`,
    `  ${members} members\n`,
  ].join('\n')
}
