import assert from 'node:assert'
import type { JsonValue } from '../core/canonical-json.ts'
import { toBase64url } from '../core/crypto/base64url.ts'
import { ConcordatError, type ErrorDetail } from '../core/error.ts'
import { applyEntry, rowsNamed } from '../core/ledger/apply-entry.ts'
import { formatLeaf, isCaseEntry, type ParsedEntry, parseEntry, verifyLeafTime } from '../core/ledger/entry.ts'
import { verifyPlaces } from '../core/ledger/handover/verify-handover.ts'
import { boundaries, findRegister, type RegisterRow, type Rows } from '../core/ledger/state.ts'
import { appendToTree, consistencyProof, inclusionProof, leafHash, type ReadTile, rootOf } from '../core/ledger/tree.ts'
import { type VerifiedEntry, verifyEntry } from '../core/ledger/verify-entry.ts'
import type { Head, LeafBatch, Storage, StoredLeaf } from '../storage/storage.ts'
import { RecentMap } from './recent-map.ts'

/** Rows that are read for nearly every entry (blueprints, members, live cases) stay parsed in memory. */
const CACHED_ROWS = 20_000
const CACHED_SUBTREES = 10_000

export interface Candidate {
  jws: string
  /** Leaf time in Unix seconds. */
  time: number
  /** What `startVerifying` gave; absent where the signature is to be checked now. */
  started?: StartedEntry | undefined
}

/** An entry whose signature is being checked on another core. `verified` is undefined where that cannot be told yet. */
export interface StartedEntry {
  entry: ParsedEntry
  verified: Promise<VerifiedEntry | undefined>
}

type Outcome = { id: string; index: number } | { refusal: ErrorDetail }

/** Entries checked against the register's rules, on top of its present head; nothing is written yet. */
export interface Checked {
  /** One for each candidate that was looked at, in order: fewer than given when a boundary ends the batch. */
  outcomes: Outcome[]
  /** Null when no candidate was accepted. */
  batch: LeafBatch | null
}

/** What a log reads and writes. */
export type LogStorage = Pick<Storage, 'findHead' | 'findTile' | 'readRows' | 'appendBatch'>

/**
 * One register as this node holds it: checks entries with the rules, appends them, proves them.
 * `check` and `commit` are called by one owner, one batch after the other; reading is free at any time.
 */
export class RegisterLog {
  readonly register: string
  readonly #storage: LogStorage
  #head: Head | undefined
  readonly #rows = new RecentMap<JsonValue>(CACHED_ROWS)
  /** Right-edge tiles by level: all that appending needs. */
  #edge = new Map<number, { n: number; hashes: Uint8Array }>()

  readonly #subtrees = new RecentMap<Uint8Array>(CACHED_SUBTREES)

  private constructor(storage: LogStorage, register: string) {
    this.#storage = storage
    this.register = register
  }

  static async open(storage: LogStorage, register: string): Promise<RegisterLog> {
    const log = new RegisterLog(storage, register)
    await log.reload()
    return log
  }

  /** Reads where the register ends in storage: what wrote to it was not this log. */
  async reload(): Promise<void> {
    const head = await this.#storage.findHead(this.register)
    const edge = new Map<number, { n: number; hashes: Uint8Array }>()
    for (let level = 0, width = head?.size ?? 0; width > 0; level++, width = Math.floor(width / 256)) {
      const n = Math.floor((width - 1) / 256)
      const hashes = await this.#storage.findTile(this.register, level, n)
      if (hashes !== undefined) edge.set(level, { n, hashes })
    }
    this.#head = head
    this.#edge = edge
    this.#rows.clear()
    this.#subtrees.clear()
  }

  get head(): Head | undefined {
    return this.#head
  }

  async findRegisterRow(): Promise<RegisterRow | undefined> {
    return findRegister(await this.#load(['register']))
  }

  /** The rows that exist among `keys`, after every leaf that is durable here. */
  rows(keys: readonly string[]): Promise<Rows> {
    return this.#load(keys)
  }

  /** Applies the candidates in order. A refused one leaves no trace; the others go on as if it had not been there. */
  async check(candidates: readonly Candidate[], extent: 'up to a boundary' | 'all'): Promise<Checked> {
    const overlay = new Map<string, JsonValue>()
    const outcomes: Outcome[] = []
    const leaves: StoredLeaf[] = []
    const start = this.#head?.size ?? 0
    let time = this.#head?.time ?? 0
    let at = 0
    while (at < candidates.length) {
      const run = parseRun(candidates, at)
      at += run.length
      const rows = await this.#load(
        run.flatMap(({ entry }) => (entry === undefined ? [] : rowsNamed(entry))),
        overlay,
      )
      const verified = await Promise.all(run.map((item) => verify(item, rows)))
      let boundary = false
      for (const [i, item] of verified.entries()) {
        const candidate = run[i]!.candidate
        if ('refusal' in item) {
          outcomes.push(item)
          continue
        }
        const index = start + leaves.length
        try {
          verifyLeafTime(time, candidate.time)
          await this.#verifyHandoverPlaces(item, leaves)
          const named = new Map(
            rowsNamed(item.parsed).flatMap((key) => {
              const row = overlay.get(key) ?? rows.get(key)
              return row === undefined ? [] : [[key, row] as const]
            }),
          )
          const before = countBoundaries(named.get('register'))
          for (const [key, row] of applyEntry(named, item, { index, time: candidate.time })) overlay.set(key, row)
          boundary = countBoundaries(overlay.get('register')) > before
        } catch (error) {
          if (!(error instanceof ConcordatError)) throw error
          outcomes.push({ refusal: error.detail })
          continue
        }
        time = candidate.time
        leaves.push({ leaf: formatLeaf(candidate.time, candidate.jws), id: item.id, case: caseOf(item.parsed) })
        outcomes.push({ id: item.id, index })
      }
      if (boundary && extent === 'up to a boundary') break
    }
    if (leaves.length === 0) return { outcomes, batch: null }
    return { outcomes, batch: this.#batch(leaves, overlay, time) }
  }

  /**
   * Begins to check an entry's signature before its turn. Applying the entry asks again whether the key is valid at its place
   * (RULES 2). Undefined for what is no entry: checking it says why.
   */
  startVerifying(jws: string): StartedEntry | undefined {
    try {
      const entry = parseEntry(jws)
      // What a handover is checked by must be as the leaf before left it.
      return entry.kind === 'handover' ? undefined : { entry, verified: this.#verifyAhead(entry) }
    } catch (error) {
      if (error instanceof ConcordatError) return undefined
      throw error
    }
  }

  /** RULES 31: the leaves before a handover, kept or on their way, are those that it says. */
  async #verifyHandoverPlaces({ parsed, handover }: VerifiedEntry, before: readonly StoredLeaf[]): Promise<void> {
    if (parsed.kind !== 'handover' || handover === null) return
    const kept = this.#head?.size ?? 0
    await verifyPlaces(parsed.claims, handover, (size) =>
      size <= kept ? this.rootAt(size) : this.rootWith(before.slice(0, size - kept).map(({ leaf }) => leaf)),
    )
  }

  async #verifyAhead(entry: ParsedEntry): Promise<VerifiedEntry | undefined> {
    try {
      return await verifyEntry(entry, await this.#load([`member/${entry.claims.iss}`]))
    } catch (error) {
      if (error instanceof ConcordatError) return undefined
      throw error
    }
  }

  /** Why the rules would refuse an entry as the next one. Free at any time: nothing is kept. */
  async findRefusal({ jws, time }: Candidate): Promise<ErrorDetail | undefined> {
    const { outcomes } = await this.check([{ jws, time: Math.max(time, this.#head?.time ?? 0) }], 'all')
    const [outcome] = outcomes
    return outcome !== undefined && 'refusal' in outcome ? outcome.refusal : undefined
  }

  /** Durable once it resolves. A failure may have come after the writing: what storage holds then is read again. */
  async commit(batch: LeafBatch): Promise<void> {
    try {
      await this.#storage.appendBatch(this.register, batch)
    } catch (error) {
      await this.reload()
      throw error
    }
    this.#head = batch.head
    for (const [key, row] of batch.rows) this.#remember(key, row)
    for (const { level, n, hashes } of batch.tiles) {
      const edge = this.#edge.get(level)
      if (edge === undefined || n >= edge.n) this.#edge.set(level, { n, hashes })
    }
  }

  async inclusionProof(index: number, size: number): Promise<Uint8Array[]> {
    const tiles = await this.tilesOf([index, size - 1], size)
    return inclusionProof(index, size, tiles, this.#subtrees)
  }

  async consistencyProof(oldSize: number, size: number): Promise<Uint8Array[]> {
    if (oldSize === 0 || oldSize === size) return []
    const tiles = await this.tilesOf([oldSize - 1, oldSize, size - 1], size)
    return consistencyProof(oldSize, size, tiles, this.#subtrees)
  }

  async rootAt(size: number): Promise<Uint8Array> {
    return rootOf(size, await this.tilesOf([Math.max(0, size - 1)], size))
  }

  /** Whether all founders are in: before, no checkpoint counts (RULES 7). */
  async isFounded(): Promise<boolean> {
    return (await this.boundaries()).length > 0
  }

  /** Sizes at which a checkpoint must be certified before any larger one is cosigned (RULES 30). */
  async boundaries(): Promise<number[]> {
    const row = await this.findRegisterRow()
    return row === undefined ? [] : boundaries(row)
  }

  /** The root that these leaves would give, whatever the rules say of them. */
  rootWith(leaves: readonly string[]): Uint8Array {
    return this.#append(leaves).root
  }

  /** As rootWith, of leaves that come in parts; none of them is kept. */
  async rootAfter(parts: AsyncIterable<readonly string[]>): Promise<Uint8Array> {
    const edge = new Map(this.#edge)
    const readTile: ReadTile = (level, n) => (edge.get(level)?.n === n ? edge.get(level)?.hashes : undefined)
    let size = this.#head?.size ?? 0
    let root = rootOf(size, readTile)
    for await (const leaves of parts) {
      const grown = appendToTree({ size, readTile }, leaves.map(leafHash))
      for (const { level, n, hashes } of grown.tiles) if (n >= (edge.get(level)?.n ?? 0)) edge.set(level, { n, hashes })
      size = grown.size
      root = grown.root
    }
    return root
  }

  #append(leaves: readonly string[]) {
    return appendToTree(
      { size: this.#head?.size ?? 0, readTile: (level, n) => this.#edgeTile(level, n) },
      leaves.map(leafHash),
    )
  }

  #batch(leaves: readonly StoredLeaf[], rows: ReadonlyMap<string, JsonValue>, time: number): LeafBatch {
    const tree = this.#append(leaves.map(({ leaf }) => leaf))
    return {
      expected: this.#head === undefined ? null : { term: this.#head.term, size: this.#head.size },
      head: { term: termAfter(rows) ?? this.#head?.term ?? 0, size: tree.size, root: toBase64url(tree.root), time },
      leaves,
      tiles: tree.tiles,
      rows,
      cosigned: null,
    }
  }

  #edgeTile(level: number, n: number): Uint8Array | undefined {
    const edge = this.#edge.get(level)
    return edge?.n === n ? edge.hashes : undefined
  }

  async #load(keys: readonly string[], overlay?: ReadonlyMap<string, JsonValue>): Promise<Map<string, JsonValue>> {
    const rows = new Map<string, JsonValue>()
    const missing: string[] = []
    for (const key of new Set(keys)) {
      const row = overlay?.get(key) ?? this.#rows.get(key)
      if (row !== undefined) rows.set(key, row)
      else missing.push(key)
    }
    if (missing.length > 0) {
      const head = this.#head
      for (const [key, row] of await this.#storage.readRows(this.register, missing)) {
        rows.set(key, row)
        // What was read before a commit that has ended meanwhile may be what that commit replaced.
        if (this.#head === head) this.#remember(key, row)
      }
    }
    return rows
  }

  #remember(key: string, row: JsonValue): void {
    if (!key.startsWith('jti/')) this.#rows.set(key, row)
  }

  /** The tiles on the paths from these leaves to the root: all that a proof between them reads. */
  async tilesOf(indexes: readonly number[], size: number): Promise<ReadTile> {
    const tiles = new Map<string, Uint8Array>()
    for (let level = 0, span = 256; span / 256 <= size; level++, span *= 256) {
      for (const index of indexes) {
        const n = Math.floor(Math.min(index, size - 1) / span)
        const key = `${level}/${n}`
        if (tiles.has(key)) continue
        const hashes = this.#edgeTile(level, n) ?? (await this.#storage.findTile(this.register, level, n))
        if (hashes !== undefined) tiles.set(key, hashes)
      }
    }
    return (level, n) => tiles.get(`${level}/${n}`)
  }
}

interface RunItem {
  candidate: Candidate
  entry: ParsedEntry | undefined
  refusal: ErrorDetail | undefined
}

/**
 * Entries whose signatures can be checked at once: a stretch of entries about cases, or a single entry of another
 * kind, since only those change the keys that later ones are checked against.
 */
function parseRun(candidates: readonly Candidate[], from: number): RunItem[] {
  const run: RunItem[] = []
  for (let i = from; i < candidates.length; i++) {
    const item = parseItem(candidates[i]!)
    const alone = item.entry !== undefined && !isCaseEntry(item.entry)
    if (alone && run.length > 0) break
    run.push(item)
    if (alone) break
  }
  return run
}

function parseItem(candidate: Candidate): RunItem {
  if (candidate.started !== undefined) return { candidate, entry: candidate.started.entry, refusal: undefined }
  try {
    return { candidate, entry: parseEntry(candidate.jws), refusal: undefined }
  } catch (error) {
    if (!(error instanceof ConcordatError)) throw error
    return { candidate, entry: undefined, refusal: error.detail }
  }
}

async function verify(
  item: RunItem,
  rows: ReadonlyMap<string, JsonValue>,
): Promise<VerifiedEntry | { refusal: ErrorDetail }> {
  if (item.entry === undefined) {
    assert(item.refusal !== undefined)
    return { refusal: item.refusal }
  }
  try {
    return (await item.candidate.started?.verified) ?? (await verifyEntry(item.entry, rows))
  } catch (error) {
    if (!(error instanceof ConcordatError)) throw error
    return { refusal: error.detail }
  }
}

function caseOf(entry: ParsedEntry): string | null {
  return 'case' in entry.claims ? entry.claims.case : null
}

function countBoundaries(row: JsonValue | undefined): number {
  return row === undefined ? 0 : boundaries(row as unknown as RegisterRow).length
}

function termAfter(rows: Rows): number | undefined {
  return findRegister(rows)?.term
}
