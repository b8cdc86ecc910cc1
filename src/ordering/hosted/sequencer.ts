import type { Clock } from '../../core/clock.ts'
import { fromBase64url } from '../../core/crypto/base64url.ts'
import { ConcordatError } from '../../core/error.ts'
import { formatCheckpoint, originOf } from '../../core/ledger/checkpoint.ts'
import { type CosignerKey, cosign } from '../../core/ledger/cosignature.ts'
import { parseEntry } from '../../core/ledger/entry.ts'
import { nodeChecks } from '../../core/ledger/node-checks.ts'
import { formatNote, type NoteSignature, parseSignatureLines } from '../../core/ledger/note.ts'
import { findRegisterConfiguration, type MemberRow } from '../../core/ledger/state.ts'
import { entryId } from '../../core/ledger/verify-entry.ts'
import { verifyNote } from '../../core/ledger/verify-note.ts'
import { formatAddCheckpoint } from '../../core/ledger/witness.ts'
import type { Head, Storage, StoredCertificate } from '../../storage/storage.ts'
import type { RegisterLog, StartedEntry } from '../register-log.ts'
import { Wakeup } from '../wakeup.ts'
import { cosignerKeys, type Follower, findMemberRow, logKey } from './operator-keys.ts'
import type { CheckpointSigner, HostedPeers, SubmitOutcome } from './peers.ts'

const MAX_BATCH = 512
/** Under load a round waits this long for more to join it: what a round costs, it costs once for all of them. */
const GATHER_MS = 25
/** Leaves ordered on top of others that nobody cosigns. */
const MAX_UNCERTIFIED = 4096
const ROUND_TIMEOUT_MS = 10_000
const RETRY_MS = 250

interface Queued {
  jws: string
  started: StartedEntry | undefined
  settle: (outcome: SubmitOutcome) => void
}

/**
 * Orders a register's entries (RULES 28 to 30): checks them, makes a batch durable, signs its checkpoint, collects the
 * operators' cosignatures. An entry is committed, and its submitter answered, only once a quorum has cosigned.
 */
export class Sequencer {
  readonly #log: RegisterLog
  readonly #storage: Storage
  readonly #clock: Clock
  readonly #signer: CheckpointSigner
  readonly #peers: HostedPeers
  readonly #member: string
  readonly #onCertificate: (certificate: StoredCertificate) => void
  readonly #stop = new AbortController()
  readonly #wakeup = new Wakeup()
  readonly #queue: Queued[] = []
  /** By entry id: an entry submitted twice while it is on its way is one entry. */
  readonly #inFlight = new Map<string, Promise<SubmitOutcome>>()
  #uncertified: { index: number; settle: (outcome: SubmitOutcome) => void }[] = []
  #certified: number
  readonly #followerSizes = new Map<string, number>()
  /** One question at a time to each follower; a slow one skips rounds that are over. */
  readonly #followerTurns = new Map<string, Promise<void>>()
  readonly #followerKeys = new Map<string, { row: unknown; keys: CosignerKey[] }>()
  readonly #pushes = new Map<string, { note: string; running: boolean }>()
  #loop: Promise<void> = Promise.resolve()

  constructor(parts: {
    log: RegisterLog
    storage: Storage
    clock: Clock
    signer: CheckpointSigner
    peers: HostedPeers
    member: string
    certified: number
    onCertificate: (certificate: StoredCertificate) => void
  }) {
    this.#log = parts.log
    this.#storage = parts.storage
    this.#clock = parts.clock
    this.#signer = parts.signer
    this.#peers = parts.peers
    this.#member = parts.member
    this.#certified = parts.certified
    this.#onCertificate = parts.onCertificate
  }

  start(): void {
    this.#loop = this.#run()
  }

  async stop(): Promise<void> {
    this.#stop.abort()
    this.#wakeup.wake()
    await this.#loop
    const refusal = unavailable('a node that stops')
    for (const { settle } of [...this.#queue, ...this.#uncertified]) settle({ refusal })
  }

  /** Takes the first entries of a register, all founders' statements at once (RULES 4). */
  async found(entries: readonly string[]): Promise<void> {
    const outcomes = await Promise.all(entries.map((entry) => this.#enqueue(entry)))
    for (const outcome of outcomes) if ('refusal' in outcome) throw new ConcordatError(outcome.refusal)
  }

  submit(jws: string): Promise<SubmitOutcome> {
    let id: string
    try {
      id = entryId(parseEntry(jws))
    } catch (error) {
      if (error instanceof ConcordatError) return Promise.resolve({ refusal: error.detail })
      throw error
    }
    const known = this.#inFlight.get(id)
    if (known !== undefined) return known
    const outcome = this.#submitOnce(id, jws).finally(() => this.#inFlight.delete(id))
    this.#inFlight.set(id, outcome)
    return outcome
  }

  async #submitOnce(id: string, jws: string): Promise<SubmitOutcome> {
    const leaf = await this.#storage.findLeaf(this.#log.register, id)
    if (leaf === undefined) return this.#enqueue(jws)
    if (leaf.index < this.#certified) return { index: leaf.index }
    if (this.#stop.signal.aborted) return { refusal: unavailable('a node that stops') }
    return new Promise((settle) => this.#uncertified.push({ index: leaf.index, settle }))
  }

  #enqueue(jws: string): Promise<SubmitOutcome> {
    if (this.#stop.signal.aborted) return Promise.resolve({ refusal: unavailable('a node that stops') })
    return new Promise((settle) => {
      this.#queue.push({ jws, started: this.#log.startVerifying(jws), settle })
      this.#wakeup.wake()
    })
  }

  /**
   * One batch after the other: what comes while a round is under way is the next batch, and nothing is ever ordered past a
   * boundary that no certificate covers (RULES 30).
   */
  async #run(): Promise<void> {
    while (!this.#stop.signal.aborted) {
      const { next } = this.#wakeup
      const size = this.#log.head?.size ?? 0
      if (size > this.#certified && (await this.#log.isFounded())) {
        const certified = await this.#certifyHead(size - this.#certified)
        if (!certified && (await this.#mayOrderOn(size))) await this.#order(this.#queue.splice(0, MAX_BATCH))
      } else if (this.#queue.length > 0) await this.#order(this.#queue.splice(0, MAX_BATCH))
      else await next
    }
  }

  /**
   * Leaves that a crash left uncertified may have grown too old to be cosigned by themselves: leaf times are judged at the
   * checkpoint's end (RULES 32), so the next entries take them along.
   */
  async #mayOrderOn(size: number): Promise<boolean> {
    if (this.#queue.length === 0 || size - this.#certified >= MAX_UNCERTIFIED) return false
    return (await this.#log.boundaries()).every((boundary) => boundary > size || boundary <= this.#certified)
  }

  async #order(batch: readonly Queued[]): Promise<void> {
    const time = Math.max(this.#clock.now(), this.#log.head?.time ?? 0)
    try {
      const candidates = batch.map(({ jws, started }) => ({ jws, time, started }))
      const checked = await this.#log.check(candidates, 'up to a boundary')
      if (checked.batch !== null) await this.#log.commit(checked.batch)
      for (const [i, outcome] of checked.outcomes.entries()) {
        const { settle } = batch[i]!
        if ('index' in outcome) this.#uncertified.push({ index: outcome.index, settle })
        else settle(outcome)
      }
      this.#queue.unshift(...batch.slice(checked.outcomes.length))
    } catch (error) {
      if (!(error instanceof ConcordatError)) throw error
      for (const { settle } of batch) settle({ refusal: unavailable(error.code) })
      await this.#clock.wait(RETRY_MS, this.#stop.signal)
    }
  }

  async #certifyHead(leafCount: number): Promise<boolean> {
    const head = this.#log.head!
    try {
      const note = await this.#certify(head)
      if (note === undefined) {
        await this.#clock.wait(RETRY_MS, this.#stop.signal)
        return false
      }
      const boundary = (await this.#log.boundaries()).includes(head.size)
      const certificate = { size: head.size, note, boundary }
      await this.#storage.saveCertificate(this.#log.register, certificate)
      this.#certified = head.size
      for (const { index, settle } of this.#uncertified.splice(0)) settle({ index })
      this.#onCertificate(certificate)
      await this.#pushToAll(note)
    } catch (error) {
      if (!(error instanceof ConcordatError)) throw error
      await this.#clock.wait(RETRY_MS, this.#stop.signal)
      return false
    }
    if (leafCount > 1) await this.#clock.wait(GATHER_MS, this.#stop.signal)
    return true
  }

  /** One round: the checkpoint to every follower, until a quorum of one configuration has cosigned it. */
  async #certify(head: Head): Promise<string | undefined> {
    const row = await this.#log.findRegisterRow()
    const configuration = row && findRegisterConfiguration(row, head.size)
    if (configuration === undefined) return undefined
    const need = configuration.quorum
    const operators = new Set(configuration.operators.map(({ member }) => member))

    const text = formatCheckpoint({
      origin: originOf(this.#log.register, head.term),
      size: head.size,
      root: fromBase64url(head.root),
    })
    const signatures = await this.#signOwn(text, head)
    const signed = new Set([this.#member].filter((member) => operators.has(member)))
    const enough = Promise.withResolvers<void>()
    if (signed.size >= need) enough.resolve()
    const over = new AbortController()
    const request = formatNote({ text, signatures: signatures.slice(0, 1) })
    const turns = (await this.#followers()).map((follower) =>
      this.#takeTurn(follower.member, async () => {
        if (over.signal.aborted) return
        const lines = await this.#ask(follower, head, { text, request })
        if (lines === undefined || over.signal.aborted) return
        signatures.push(...lines)
        if (operators.has(follower.member)) signed.add(follower.member)
        if (signed.size >= need) enough.resolve()
      }),
    )
    const pause = new AbortController()
    const stop = AbortSignal.any([this.#stop.signal, pause.signal])
    // Where all have answered and too few cosign, waiting longer would only delay the next round.
    await Promise.race([enough.promise, Promise.all(turns), this.#clock.wait(ROUND_TIMEOUT_MS, stop)])
    over.abort()
    pause.abort()
    return signed.size >= need ? formatNote({ text, signatures }) : undefined
  }

  /** The log's own signature first, then this operator's cosignatures. The head is durable (RULES 30). */
  async #signOwn(text: string, head: Head): Promise<NoteSignature[]> {
    const row = await findMemberRow(this.#log, this.#member)
    if (row === undefined || row.keys.checkpoint === null)
      throw new TypeError('the sequencer is an operator of its register')
    const key = await logKey(this.#log.register, head.term, row.keys.checkpoint.ed25519)
    const signature = await this.#signer.signCheckpoint('Ed25519', new TextEncoder().encode(text))
    const time = this.#clock.now()
    const own = (await cosignerKeys(this.#member, row)).map((cosigner) =>
      cosign(text, cosigner, time, (data) =>
        this.#signer.signCheckpoint(cosigner.type === 6 ? 'ML-DSA-44' : 'Ed25519', data),
      ),
    )
    return [{ name: key.name, keyId: key.keyId, signature }, ...(await Promise.all(own))]
  }

  /** The other members in standing whose nodes can be called, hosted ones too. */
  async #others(): Promise<[id: string, row: MemberRow][]> {
    const register = await this.#log.findRegisterRow()
    const others: [string, MemberRow][] = []
    for (const { id, standing } of register?.members ?? []) {
      if (id === this.#member || standing !== 'in') continue
      const row = await findMemberRow(this.#log, id)
      if (row !== undefined && row.address !== null) others.push([id, row])
    }
    return others
  }

  async #followers(): Promise<Follower[]> {
    const followers: Follower[] = []
    for (const [id, memberRow] of await this.#others()) {
      if (memberRow.operator !== id) continue
      const known = this.#followerKeys.get(id)
      const text = JSON.stringify(memberRow.keys.checkpoint)
      const keys = known?.row === text ? known.keys : await cosignerKeys(id, memberRow)
      this.#followerKeys.set(id, { row: text, keys })
      followers.push({ member: id, address: memberRow.address, keys })
    }
    return followers
  }

  #takeTurn(member: string, turn: () => Promise<void>): Promise<void> {
    const before = this.#followerTurns.get(member) ?? Promise.resolve()
    const mine = before.then(turn).catch(() => undefined)
    this.#followerTurns.set(member, mine)
    return mine
  }

  /** The follower's cosignature lines, each checked; undefined when it does not cosign now. */
  async #ask(
    follower: Follower,
    head: Head,
    { text, request }: { text: string; request: string },
  ): Promise<NoteSignature[] | undefined> {
    let oldSize = this.#followerSizes.get(follower.member) ?? 0
    for (let attempt = 0; attempt < 2; attempt++) {
      const proof = await this.#log.consistencyProof(oldSize, head.size)
      const body = formatAddCheckpoint({ oldSize, proof, note: request })
      const answer = await this.#peers.addCheckpoint(follower.member, body)
      if (answer.status === 409) {
        oldSize = Number(answer.body.trim())
        if (!Number.isSafeInteger(oldSize) || oldSize < 0 || oldSize > head.size) return undefined
        continue
      }
      if (answer.status !== 200) return undefined
      const lines = parseSignatureLines(answer.body)
      const signers = new Set<number>()
      for (const line of lines) {
        const [verified] = await verifyNote({ text, signatures: [line] }, follower.keys, nodeChecks)
        if (verified !== undefined) signers.add(verified.key.type)
      }
      // Either kind alone would leave a certificate that some reader does not count.
      if (signers.size < follower.keys.length) return undefined
      this.#followerSizes.set(follower.member, head.size)
      return lines
    }
    return undefined
  }

  /**
   * Every operator keeps the certificate (RULES 30), and every member's node answers its people by it. Only the newest is worth
   * sending to one that lags.
   */
  async #pushToAll(note: string): Promise<void> {
    for (const [member] of await this.#others()) {
      const push = this.#pushes.get(member)
      if (push?.running) {
        push.note = note
        continue
      }
      const fresh = { note, running: true }
      this.#pushes.set(member, fresh)
      void this.#push(member, fresh)
    }
  }

  async #push(member: string, push: { note: string; running: boolean }): Promise<void> {
    let sent: string | undefined
    while (sent !== push.note && !this.#stop.signal.aborted) {
      sent = push.note
      // A follower that does not answer asks for the certificate itself when it is back.
      await this.#peers.sendCertificate(member, sent).catch(() => undefined)
    }
    push.running = false
  }
}

function unavailable(got: string) {
  return { code: 'ORDERING_UNAVAILABLE' as const, expected: 'an entry ordered and certified', got }
}
