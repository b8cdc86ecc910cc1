import { toBase64url } from '../crypto/base64url.ts'
import { ConcordatError } from '../error.ts'
import { applyEntry, rowsNamed } from './apply-entry.ts'
import { AuditedRows } from './audited-rows.ts'
import { type AuditedStore, AuditedTree, leafMissing, loadPath } from './audited-tree.ts'
import type { Checks } from './checks.ts'
import { type EntryKind, type ParsedEntry, parseEntry, parseLeaf, verifyLeafTime } from './entry.ts'
import { verifyPlaces } from './handover/verify-handover.ts'
import { sameBytes } from './merkle.ts'
import { verifyRegisterCertificate } from './register-certificate.ts'
import { findRegister, findRegisterConfiguration, type RegisterRow } from './state.ts'
import { rootOf } from './tree.ts'
import { type VerifiedEntry, verifyEntry } from './verify-entry.ts'

/** Leaves that are read at once; while they are applied, the signatures of as many more are checked on other cores. */
const CHUNK = 512

export interface Audit {
  /** Leaves that are stored, and their RFC 6962 root in base64url. */
  size: number
  root: string
  /** Leaves under the newest certificate. The rest may still be dropped (RULES 31). */
  committed: number
  /** Checkpoints whose certificates were verified: each boundary's and the newest one. */
  certificates: number
  entries: { [K in EntryKind]?: number }
  members: number
  /** Who counts for the newest certificate, and how many of them it takes. 0 before all founders are in. */
  operators: number
  quorum: number
}

export interface AuditOptions {
  register: string
  /** Trusted with nothing. Must not be written to meanwhile, beyond appending. */
  store: AuditedStore
  checks: Checks
  onProgress: (done: { checked: number; size: number }) => void
}

/**
 * Replays a whole register from its leaves and nothing else: every signature, every rule, every leaf time; then compares what
 * comes out with all that is stored beside the leaves (tiles, head, state rows) and with the signed checkpoints (RULES 28, 30).
 * Throws at the first thing that is wrong, with an AUDIT_ code that names it. The register id is all that is taken on trust.
 */
export async function auditRegister(options: AuditOptions): Promise<Audit> {
  const { register, store } = options
  const head = await store.findHead(register)
  if (head === undefined) {
    throw new ConcordatError({
      code: 'REGISTER_UNKNOWN',
      expected: 'a register that is kept here',
      got: 'no leaf of it',
    })
  }
  const replay = new Replay(options, head.size)
  await replay.run()
  const { root } = await replay.tree.finish()
  if (head.root !== toBase64url(root) || head.time !== replay.time) {
    throw new ConcordatError({
      code: 'AUDIT_HEAD_DIFFERS',
      expected: 'the root and the time that the leaves give',
      got: 'another head',
      size: head.size,
    })
  }
  const row = findRegister(replay.rows.pick(['register']))
  const certified = await auditCertificates(options, head, row)
  await auditRows(options, replay.rows)
  return {
    size: head.size,
    root: head.root,
    committed: certified.size,
    certificates: certified.count,
    entries: replay.entries,
    members: row?.members.length ?? 0,
    operators: certified.operators,
    quorum: certified.quorum,
  }
}

interface ReadLeaf {
  time: number
  entry: ParsedEntry
  /** Undefined where it cannot be verified before the leaves ahead of it are applied, or not at all. */
  verified: Promise<VerifiedEntry | undefined>
}

/** All leaves in order, from an empty state. */
class Replay {
  readonly #options: AuditOptions
  readonly #size: number
  readonly tree: AuditedTree
  readonly rows = new AuditedRows()
  readonly entries: { [K in EntryKind]?: number } = {}
  time = 0

  constructor(options: AuditOptions, size: number) {
    this.#options = options
    this.#size = size
    this.tree = new AuditedTree(options.store, options.register, size)
  }

  async run(): Promise<void> {
    let ahead = await this.#read(0)
    for (let from = 0; from < this.#size; from += CHUNK) {
      const chunk = ahead
      // A refusal in this chunk comes first, whatever is wrong with the next.
      const next = this.#read(from + CHUNK).then(
        (read) => ({ read }),
        (error: unknown) => ({ error }),
      )
      for (const [i, leaf] of chunk.entries()) await this.#apply(from + i, leaf)
      this.#options.onProgress({ checked: from + chunk.length, size: this.#size })
      const outcome = await next
      if ('error' in outcome) throw outcome.error
      ahead = outcome.read
    }
  }

  /** Leaves that are those of the tiles, parsed, with their signatures under way. */
  async #read(from: number): Promise<ReadLeaf[]> {
    const count = Math.min(CHUNK, this.#size - from)
    if (count <= 0) return []
    const leaves = await this.#options.store.readLeaves(this.#options.register, from, count)
    await this.tree.append(leaves, count)
    return leaves.map((leaf, i) => {
      const { time, entry } = refusing(from + i, () => {
        const parsed = parseLeaf(leaf)
        return { time: parsed.time, entry: parseEntry(parsed.jws) }
      })
      return { time, entry, verified: this.#verifyAhead(entry) }
    })
  }

  async #apply(index: number, { time, entry, verified }: ReadLeaf): Promise<void> {
    let early = await verified
    // Its key may be one that a leaf just before it brought.
    if (early === undefined) early = await this.#verify(entry).catch((error) => refuse(index, error))
    await this.#verifyHandover(index, early)
    refusing(index, () => {
      verifyLeafTime(this.time, time)
      const rows = this.rows.pick(rowsNamed(entry))
      for (const [key, row] of applyEntry(rows, early, { index, time })) this.rows.set(key, row)
    })
    this.time = time
    this.entries[entry.kind] = (this.entries[entry.kind] ?? 0) + 1
  }

  /** RULES 31: the leaves before a handover are those that it says. Every tile is compared with the leaves in turn. */
  async #verifyHandover(index: number, { parsed, handover }: VerifiedEntry): Promise<void> {
    if (parsed.kind !== 'handover' || handover === null) return
    const { store, register } = this.#options
    const rootAt = async (size: number) => rootOf(size, await loadPath(store, register, size))
    await verifyPlaces(parsed.claims, handover, rootAt).catch((error) => refuse(index, error))
  }

  /** What a handover is checked by must be as the leaf before left it. */
  async #verifyAhead(entry: ParsedEntry): Promise<VerifiedEntry | undefined> {
    return entry.kind === 'handover' ? undefined : this.#verify(entry).catch(passOverRefusal)
  }

  #verify(entry: ParsedEntry): Promise<VerifiedEntry> {
    return verifyEntry(entry, this.rows.pick(['register', `member/${entry.claims.iss}`]))
  }
}

function passOverRefusal(error: unknown): undefined {
  if (!(error instanceof ConcordatError)) throw error
}

function refusing<T>(index: number, work: () => T): T {
  try {
    return work()
  } catch (error) {
    refuse(index, error)
  }
}

function refuse(index: number, error: unknown): never {
  if (!(error instanceof ConcordatError)) throw error
  throw new ConcordatError(
    {
      code: 'AUDIT_LEAF_REFUSED',
      expected: 'an entry that the rules accept at its place',
      got: `one that they refuse: ${error.code}`,
      index,
      reason: error.code,
    },
    { cause: error },
  )
}

/** Every boundary's certificate and the newest: signed by who counted at its size, over the root of the leaves replayed. */
async function auditCertificates(
  { register, store, checks }: AuditOptions,
  head: { size: number },
  row: RegisterRow | undefined,
): Promise<{ size: number; count: number; operators: number; quorum: number }> {
  const newest = await store.findCertificate(register)
  if (newest === undefined || row === undefined) {
    // Before all founders are in no checkpoint counts (RULES 7), so nothing signed can be missing.
    if (row !== undefined && row.configurations.length === 0) return { size: 0, count: 0, operators: 0, quorum: 0 }
    throw new ConcordatError({
      code: 'AUDIT_CHECKPOINT_MISSING',
      expected: 'a certificate over the leaves',
      got: 'none',
    })
  }
  const kept = (await store.boundaryCertificates(register)).filter(({ size }) => size !== newest.size)
  for (const certificate of [...kept, newest]) {
    const { size } = certificate
    if (size > head.size) throw leafMissing(head.size)
    const verified = verifyRegisterCertificate(certificate.note, row, checks)
    const { checkpoint } = await verified.catch((error: unknown) => {
      throw error instanceof ConcordatError ? refusedCheckpoint(size, error.code, error) : error
    })
    const readTile = await loadPath(store, register, size)
    if (checkpoint.size !== size || !sameBytes(checkpoint.root, rootOf(size, readTile))) {
      throw new ConcordatError({
        code: 'AUDIT_CHECKPOINT_DIFFERS',
        expected: 'the signed root of the leaves',
        got: 'another root or size',
        size,
      })
    }
  }
  const { operators, quorum } = findRegisterConfiguration(row, newest.size)!
  return { size: newest.size, count: kept.length + 1, operators: operators.length, quorum }
}

function refusedCheckpoint(size: number, reason: ConcordatError['code'], cause?: ConcordatError): ConcordatError {
  return new ConcordatError(
    {
      code: 'AUDIT_CHECKPOINT_REFUSED',
      expected: 'a checkpoint that enough operators signed',
      got: `one that is refused: ${reason}`,
      size,
      reason,
    },
    cause === undefined ? {} : { cause },
  )
}

/** The stored rows are those that the leaves give: no more, no fewer, none altered. */
async function auditRows({ register, store }: AuditOptions, rows: AuditedRows): Promise<void> {
  let count = 0
  for await (const [key, stored] of store.allRows(register)) {
    if (!rows.holds(key, stored)) throw rowDiffers(key, 'the row that the leaves give, if any', 'another one')
    count += 1
  }
  if (count === rows.size) return
  const stored = new Set<string>()
  for await (const [key] of store.allRows(register)) stored.add(key)
  const absent = [...rows.keys()].find((key) => !stored.has(key))
  throw rowDiffers(absent ?? '', 'the row that the leaves give', 'none')
}

function rowDiffers(key: string, expected: string, got: string): ConcordatError {
  return new ConcordatError({ code: 'AUDIT_ROW_DIFFERS', expected, got, key })
}
