import { mkdtempSync, rmSync } from 'node:fs'
import { availableParallelism, tmpdir } from 'node:os'
import { join } from 'node:path'
import { benchAudit } from './audit.ts'
import { benchBlueBadge } from './blue-badge.ts'
import { benchCatchUp } from './catch-up.ts'
import { benchGrowth } from './growth.ts'
import { benchLedger } from './ledger.ts'
import { benchRaw } from './raw.ts'
import { benchRules } from './rules.ts'
import { benchWholeAction, openBenchNetwork } from './whole-action.ts'

const IN_FLIGHT = 128
const CASES_IN_FLIGHT = 32
const MAX_LEDGER_ENTRIES = 10_000
/** Entries of the long register. */
const MAX_GROWTH = 100_000

/** What `npm run bench` measures, all in one run on one machine: figures of different runs do not compare, the ratios do. */
export async function runBench(options: {
  write: (text: string) => void
  json: boolean
  onProgress: (text: string) => void
  /** Of each measurement. */
  durationMs: number
}): Promise<number> {
  const { write, json, onProgress, durationMs } = options
  const folder = mkdtempSync(join(tmpdir(), 'concordat-bench-'))
  try {
    onProgress('raw cryptography')
    const raw = await benchRaw(durationMs / 10)
    onProgress('rules alone')
    const rules = benchRules(durationMs / 10)
    onProgress('founding a register of five members')
    const network = await openBenchNetwork(folder)
    const entries = Math.min(MAX_LEDGER_ENTRIES, durationMs)
    onProgress(`ledger alone, ${entries} entries`)
    const ledger = await benchLedger(network, { entries, folder })
    const longest = Math.min(MAX_GROWTH, durationMs * 10)
    const sizes: [number, number] = [longest / 10, longest]
    onProgress(`the cost of an entry after ${sizes[1]} against after ${sizes[0]}`)
    const growth = await benchGrowth(network, { sizes, folder })
    await network.stop()
    onProgress(`a follower that catches up with ${longest}`)
    const catchUp = await benchCatchUp(network, { folder, longRegister: join(folder, 'growth.db') })
    onProgress('whole actions, five processes')
    const wholeAction = await benchWholeAction(network, { folder, durationMs, inFlight: IN_FLIGHT })
    onProgress('the Blue Badge, seven processes')
    const blueBadge = await benchBlueBadge({
      folder: join(folder, 'blue-badge'),
      durationMs,
      inFlight: CASES_IN_FLIGHT,
    })
    onProgress('audit')
    const audit = await benchAudit(join(folder, 'ledger.db'), network.register)
    const results = {
      cores: availableParallelism(),
      nodejs: process.version,
      raw,
      rules,
      growth,
      ledger: { ...ledger, ratioToP256Verify: ledger.perSecond / raw.p256VerifyAllCores },
      catchUp: { ...catchUp, ratioToLedger: catchUp.perSecond / ledger.perSecond },
      wholeAction: { ...wholeAction, ratioToRawCryptography: wholeAction.wholePerSecond / rawActionRate(raw) },
      blueBadge,
      audit,
    }
    write(json ? `${JSON.stringify(results, null, 2)}\n` : table(results))
    return 0
  } finally {
    rmSync(folder, { recursive: true, force: true })
  }
}

/** Actions a second on one core if each cost only its cryptography: one signature, five checks, four groups, three grants. */
function rawActionRate(raw: Awaited<ReturnType<typeof benchRaw>>): number {
  const seconds =
    1 / raw.p256Sign +
    5 / raw.p256Verify +
    4 / raw.groupSeal +
    3 / raw.grantSeal +
    3 / raw.grantOpen +
    3 / raw.groupOpen
  return 1 / seconds
}

function table(results: Record<string, unknown>): string {
  const lines: string[] = []
  const add = (name: string, value: unknown) => {
    if (typeof value === 'object' && value !== null) {
      for (const [key, inner] of Object.entries(value)) add(name === '' ? key : `${name}.${key}`, inner)
    } else {
      lines.push(`${name.padEnd(40)} ${typeof value === 'number' ? rounded(value) : String(value)}`)
    }
  }
  add('', results)
  return `${lines.join('\n')}\n`
}

function rounded(value: number): string {
  return Math.abs(value) >= 100 ? value.toFixed(0) : value.toPrecision(3)
}
