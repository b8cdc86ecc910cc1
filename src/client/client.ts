import { approve, getBlueprint, propose, suspendRoles } from '../api/blueprints.ts'
import {
  confirmRecord,
  enterLapse,
  extendDeadline,
  raiseDispute,
  recallRecord,
  resolveDispute,
} from '../api/case-acts.ts'
import {
  type ActionReceipt,
  type CaseView,
  getCase,
  listCases,
  listInbox,
  type RecordView,
  startCase,
  submitAction,
} from '../api/cases.ts'
import { listKeys, revokeKey, rotateKeys } from '../api/keys.ts'
import { readTile } from '../api/log.ts'
import { eraseCase, exportEvidence } from '../api/records.ts'
import { getForks, getHistory, getRegister, handOver, listRegisters } from '../api/registers.ts'
import { type BodyOf, pathOf, type ResponseOf, type Route } from '../api/route.ts'
import { canonicalize, type JsonObject, type JsonValue } from '../core/canonical-json.ts'
import { digest } from '../core/crypto/hash.ts'
import { ConcordatError } from '../core/error.ts'
import type { Checkpoint } from '../core/ledger/checkpoint.ts'
import type { Checks } from '../core/ledger/checks.ts'
import type { ActionClaims } from '../core/ledger/claims.ts'
import { parseEntry, parseLeaf } from '../core/ledger/entry.ts'
import { type VerifiedEvidence, verifyEvidence } from '../core/ledger/evidence.ts'
import { tilePath, widthInTree } from '../core/ledger/tile.ts'
import type { CheckpointMemory, KnownCheckpoint } from './checkpoint-memory.ts'
import type { Http } from './http.ts'
import { RegisterVerifier } from './register-verifier.ts'
import { findProblem, parseResponse, remoteFailed } from './response.ts'

const MAX_RESPONSE_BYTES = 64 * 1024 * 1024

export interface ClientOptions {
  http: Http
  /** Of the member's own server, without a slash at the end. */
  address: string
  token: string
  register: string
  checks: Checks
  memory: CheckpointMemory
}

interface Submission {
  /** 1 to 128 printable characters; the same key with the same request does nothing twice. */
  idempotencyKey: string
}

/** What is submitted about a case. */
type InCase<R extends Route> = BodyOf<R> & { case: string } & Submission

/**
 * A member's own node, over HTTP. Every proof in an answer is verified before the answer is passed on: see RegisterVerifier.
 * Values of fields are the node's word; `exportEvidence` proves them.
 */
export class Client {
  readonly #options: ClientOptions
  readonly #verifier: RegisterVerifier
  /** The member whose node answers, as the history says; only paths depend on it. */
  #member: string | undefined

  constructor(options: ClientOptions) {
    this.#options = options
    this.#verifier = new RegisterVerifier({
      register: options.register,
      checks: options.checks,
      memory: options.memory,
      source: {
        getHistory: () => this.#fetchHistory(),
        readTile: (place) => this.#readTile(place),
      },
    })
  }

  async listRegisters(): Promise<ResponseOf<typeof listRegisters>['registers']> {
    return (await this.#call(listRegisters, {}, undefined)).registers
  }

  async getRegister(): Promise<ResponseOf<typeof getRegister>> {
    const known = await this.#verifier.findKnown()
    const view = await this.#call(getRegister, {}, undefined)
    this.#requireSame(view.register, this.#options.register, '/register')
    this.#verifier.refuseOlder(view.committed, known)
    return view
  }

  /** What is left to do where it has not happened yet; null once the term has begun. Asking twice is asking once. */
  async handOver(wanted: BodyOf<typeof handOver>): Promise<ResponseOf<typeof handOver>['handover']> {
    return (await this.#call(handOver, {}, wanted)).handover
  }

  /** Proofs that a sequencer signed two histories, as files that `verifyForkFile` takes. */
  async listForks(): Promise<JsonObject[]> {
    return (await this.#call(getForks, {}, undefined)).forks
  }

  /** The newest committed checkpoint, verified from the register's id on. */
  async getCheckpoint(): Promise<Checkpoint> {
    const known = await this.#verifier.findKnown()
    const { checkpoint } = await this.#fetchHistory()
    return this.#verifier.verifyCheckpoint(checkpoint, known)
  }

  listKeys(): Promise<ResponseOf<typeof listKeys>> {
    return this.#call(listKeys, {}, undefined)
  }

  rotateKeys({
    idempotencyKey,
    ...body
  }: BodyOf<typeof rotateKeys> & Submission): Promise<ResponseOf<typeof rotateKeys>> {
    return this.#call(rotateKeys, {}, body, { idempotencyKey })
  }

  revokeKey({ idempotencyKey, ...body }: BodyOf<typeof revokeKey> & Submission): Promise<ResponseOf<typeof revokeKey>> {
    return this.#call(revokeKey, {}, body, { idempotencyKey })
  }

  propose(proposal: BodyOf<typeof propose> & Submission): Promise<ResponseOf<typeof propose>> {
    const { idempotencyKey, ...body } = proposal
    return this.#call(propose, {}, body, { idempotencyKey })
  }

  approve(approval: BodyOf<typeof approve> & Submission): Promise<ResponseOf<typeof approve>> {
    const { idempotencyKey, ...body } = approval
    return this.#call(approve, {}, body, { idempotencyKey })
  }

  suspendRoles(
    suspension: BodyOf<typeof suspendRoles> & { blueprint: string } & Submission,
  ): Promise<ResponseOf<typeof suspendRoles>> {
    const { idempotencyKey, blueprint, ...body } = suspension
    return this.#call(suspendRoles, { blueprint }, body, { idempotencyKey })
  }

  /** The document is checked against the hash asked for. */
  async getBlueprint(blueprint: string): Promise<ResponseOf<typeof getBlueprint>> {
    const answer = await this.#call(getBlueprint, { blueprint }, undefined)
    this.#requireSame(answer.blueprint, blueprint, '/blueprint')
    this.#requireSame(digest(canonicalize(answer.document)), blueprint, '/document')
    return answer
  }

  /** Resolves once the record is committed. */
  async startCase(action: BodyOf<typeof startCase> & Submission): Promise<ActionReceipt> {
    const { idempotencyKey, ...body } = action
    const known = await this.#verifier.findKnown()
    const receipt = await this.#call(startCase, {}, body, { idempotencyKey })
    const claims = await this.#verifyReceipt(receipt, known)
    this.#requireSame(claims.bp, action.blueprint, '/leaf')
    this.#requireSame(claims.as, action.role, '/leaf')
    return receipt
  }

  /** Resolves once the record is committed. */
  async submitAction(action: InCase<typeof submitAction>): Promise<ActionReceipt> {
    const { idempotencyKey, case: caseId, ...body } = action
    const known = await this.#verifier.findKnown()
    const receipt = await this.#call(submitAction, { case: caseId }, body, { idempotencyKey })
    this.#requireSame(receipt.case, caseId, '/case')
    const { prev, replaces } = await this.#verifyReceipt(receipt, known)
    if (action.corrects !== undefined) this.#requireSame(replaces, action.corrects, '/leaf')
    if (action.reviews !== undefined) this.#requireSame(prev.join(), action.reviews, '/leaf')
    return receipt
  }

  /** `limit` up to 1000. */
  async listCases(limit: number): Promise<ResponseOf<typeof listCases>['cases']> {
    return (await this.#call(listCases, {}, undefined, { limit })).cases
  }

  async listInbox(limit: number): Promise<ResponseOf<typeof listInbox>['items']> {
    return (await this.#call(listInbox, {}, undefined, { limit })).items
  }

  /** Each record and which one it replaces are proven; what became of a record since (void, disputes, deadlines) is the node's word. */
  async getCase(caseId: string): Promise<CaseView> {
    const known = await this.#verifier.findKnown()
    const view = await this.#call(getCase, { case: caseId }, undefined)
    this.#requireSame(view.case, caseId, '/case')
    const checkpoint = await this.#verifier.verifyCheckpoint(view.checkpoint, known)
    for (const [i, record] of view.records.entries())
      await this.#verifyRecord(record, view, checkpoint, `/records/${i}`)
    return view
  }

  raiseDispute(dispute: InCase<typeof raiseDispute>): Promise<ResponseOf<typeof raiseDispute>> {
    return this.#enter(raiseDispute, dispute)
  }

  resolveDispute(resolution: InCase<typeof resolveDispute>): Promise<ResponseOf<typeof resolveDispute>> {
    return this.#enter(resolveDispute, resolution)
  }

  confirmRecord(confirmation: InCase<typeof confirmRecord>): Promise<ResponseOf<typeof confirmRecord>> {
    return this.#enter(confirmRecord, confirmation)
  }

  extendDeadline(extension: InCase<typeof extendDeadline>): Promise<ResponseOf<typeof extendDeadline>> {
    return this.#enter(extendDeadline, extension)
  }

  enterLapse(lapse: InCase<typeof enterLapse>): Promise<ResponseOf<typeof enterLapse>> {
    return this.#enter(enterLapse, lapse)
  }

  recallRecord(recall: InCase<typeof recallRecord>): Promise<ResponseOf<typeof recallRecord>> {
    return this.#enter(recallRecord, recall)
  }

  /** The file as it can be handed on, and what it proves. */
  async exportEvidence(
    wanted: BodyOf<typeof exportEvidence> & { record: string },
  ): Promise<{ file: JsonObject; verified: VerifiedEvidence }> {
    const { record, ...body } = wanted
    const { register, checks } = this.#options
    const known = await this.#verifier.findKnown()
    const file = await this.#call(exportEvidence, { record }, body)
    const verified = await verifyEvidence(file, { register, checks, pq: false })
    this.#requireSame(verified.record.id, record, '/entry')
    await this.#verifier.verifyCheckpoint(String(file.checkpoint), known)
    return { file, verified }
  }

  eraseCase(wanted: BodyOf<typeof eraseCase> & { case: string }): Promise<ResponseOf<typeof eraseCase>> {
    const { case: caseId, ...body } = wanted
    return this.#call(eraseCase, { case: caseId }, body)
  }

  async #verifyReceipt(receipt: ActionReceipt, known: KnownCheckpoint | undefined): Promise<ActionClaims> {
    const checkpoint = await this.#verifier.verifyCheckpoint(receipt.checkpoint, known)
    const claims = this.#parseRecord(receipt, '')
    await this.#verifier.verifyInclusion(receipt, checkpoint)
    this.#requireSame(claims.case, receipt.case, '/case')
    return claims
  }

  async #verifyRecord(record: RecordView, view: CaseView, checkpoint: Checkpoint, at: string): Promise<void> {
    const claims = this.#parseRecord(record, at)
    await this.#verifier.verifyInclusion(record, checkpoint)
    this.#requireSame(claims.case, view.case, `${at}/leaf`)
    if (!view.movedFrom.includes(claims.bp)) this.#requireSame(claims.bp, view.blueprint, '/blueprint')
    this.#requireSame(claims.as, record.as, `${at}/as`)
    this.#requireSame(claims.iss, record.from, `${at}/from`)
    this.#requireSame(claims.replaces, record.replaces, `${at}/replaces`)
    if (record.replacedBy === null) return
    const newer = view.records.find((other) => other.record === record.replacedBy)
    this.#requireSame(newer?.replaces ?? null, record.record, `${at}/replacedBy`)
  }

  /** The leaf must be the record that it is said to be: its id is a digest of what was signed (RULES 1). */
  #parseRecord(
    { leaf, record, index, time }: { leaf: string; record: string; index: number; time: number },
    at: string,
  ): ActionClaims {
    const altered = (expected: string, got: string, cause?: unknown) =>
      new ConcordatError({ code: 'LEAF_ALTERED', expected, got, index }, { cause })
    let parsed: { time: number; entry: ReturnType<typeof parseEntry> }
    try {
      const { time: leafTime, jws } = parseLeaf(leaf)
      parsed = { time: leafTime, entry: parseEntry(jws) }
    } catch (cause) {
      if (!(cause instanceof ConcordatError)) throw cause
      throw altered('a leaf of the register', cause.code, cause)
    }
    const { entry } = parsed
    if (digest(entry.signingInput) !== record) throw altered('the leaf of the record asked for', 'another')
    if (parsed.time !== time) throw altered('the time beside the leaf', 'another')
    if (entry.kind !== 'action+sd-jwt') throw altered('an action', entry.kind)
    this.#requireSame(entry.claims.reg, this.#options.register, `${at}/leaf`)
    return entry.claims
  }

  async #fetchHistory(): Promise<ResponseOf<typeof getHistory>> {
    const history = await this.#call(getHistory, {}, undefined)
    this.#member = history.member
    return history
  }

  async #readTile({ level, n, size }: { level: number; n: number; size: number }): Promise<Uint8Array> {
    const member = this.#member ?? (await this.#fetchHistory()).member
    const [, , ...name] = tilePath(level, n, widthInTree(level, n, size)).split('/')
    return this.#call(readTile, { member, level: String(level), tile: name.join('/') }, undefined)
  }

  #enter<R extends Route>(route: R, entry: { case: string } & Submission): Promise<ResponseOf<R>> {
    const { idempotencyKey, case: caseId, ...body } = entry
    // Callers give an `InCase<R>`; what is left of one is the route's body, which a type for any route cannot say.
    return this.#call(route, { case: caseId }, body as unknown as BodyOf<R>, { idempotencyKey })
  }

  async #call<R extends Route>(
    route: R,
    params: Record<string, string>,
    body: BodyOf<R>,
    more: { idempotencyKey?: string; limit?: number } = {},
  ): Promise<ResponseOf<R>> {
    const { http, address, token, register } = this.#options
    const query = more.limit === undefined ? '' : `?limit=${more.limit}`
    const headers: Record<string, string> = {}
    if (route.access !== 'open') headers.authorization = `Bearer ${token}`
    if (body !== undefined) headers['content-type'] = 'application/json'
    if (more.idempotencyKey !== undefined) headers['idempotency-key'] = more.idempotencyKey
    const response = await http.send({
      method: route.method,
      url: address + pathOf(route, { register, ...params }) + query,
      headers,
      body: body === undefined ? undefined : new TextEncoder().encode(canonicalize(body as JsonValue)),
      maxBytes: MAX_RESPONSE_BYTES,
    })
    if (response.status === route.response.status) return parseResponse(route, response)
    const problem = findProblem(response)
    if (problem?.detail !== undefined) throw new ConcordatError(problem.detail)
    throw remoteFailed(response.status, problem?.code ?? null)
  }

  /** An answer about something else than was asked for, or that its own leaf contradicts. */
  #requireSame(got: string | null, expected: string | null, at: string): void {
    if (got === expected) return
    throw new ConcordatError({
      code: 'RESPONSE_MISMATCH',
      expected: 'what was asked for and what the leaf says',
      got: 'another',
      at,
    })
  }
}
