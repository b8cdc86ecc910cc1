import type { Http } from '../client/http.ts'
import { getStep } from '../core/blueprint/blueprint.ts'
import { checkBlueprint } from '../core/blueprint/check/check-blueprint.ts'
import type { JsonObject, JsonValue } from '../core/canonical-json.ts'
import type { Clock } from '../core/clock.ts'
import type { EcPublicJwk } from '../core/crypto/jwk.ts'
import { ConcordatError } from '../core/error.ts'
import { findMember } from '../core/ledger/state.ts'
import type { Custody, RotatedUse } from '../custody/custody.ts'
import type { SentStatement, SubmitOutcome } from '../ordering/hosted/peers.ts'
import type { Storage, Submission } from '../storage/storage.ts'
import type { Caller, Prepared, RequestMacs } from './act.ts'
import {
  type ConfirmRequest,
  type ExtendRequest,
  type LapseRequest,
  prepareConfirm,
  prepareExtend,
  prepareLapse,
  prepareResolve,
  prepareSuspend,
  type ResolveRequest,
  type SuspendRequest,
} from './case-entries.ts'
import { viewCase } from './case-view.ts'
import type { DeliveryItem, DeliveryResult, Pull } from './deliveries.ts'
import { prepareDispute } from './dispute.ts'
import { erase } from './erase.ts'
import { exportEvidence, readHistory } from './evidence.ts'
import { checkDocument, prepareApproval, prepareProposal, type Replacement } from './govern.ts'
import { listForks, viewHandover } from './handover.ts'
import { viewInboxItem } from './inbox.ts'
import { viewKeys } from './keys-view.ts'
import { Membership, type RegisterSettings, settingsValue } from './membership.ts'
import { getBlueprintRow, type Part } from './part.ts'
import { prepareRecall, type RecallRequest, recallOf } from './prepare-recall.ts'
import { indexOf, receiptOf } from './receipt.ts'
import { missingApprovals, viewRegister } from './register-view.ts'

export interface NodeParts {
  member: string
  storage: Storage
  custody: Custody
  clock: Clock
  random: (sizeBytes: number) => Uint8Array
  http: Http
  /** What goes wrong with nobody waiting for it; holds no field value. */
  onError: (error: unknown) => void
}

interface Acted {
  idempotencyKey: string
  caller: Caller
}

/** One member's node: everything that a server, or a story in the sandbox, may ask of it. */
export class Node {
  readonly member: string
  readonly #parts: NodeParts
  readonly #memberships = new Map<string, Membership>()

  constructor(parts: NodeParts) {
    this.member = parts.member
    this.#parts = parts
  }

  /** Goes on with every register that it was part of. */
  async start(): Promise<void> {
    for (const { register, settings } of await this.#parts.storage.registers()) {
      await this.#open(register, settings as unknown as RegisterSettings)
    }
  }

  async stop(): Promise<void> {
    await Promise.all([...this.#memberships.values()].map((membership) => membership.stop()))
    this.#memberships.clear()
  }

  /** Takes part in a register from now on: follows it, or orders it where this member is its sequencer. */
  async join(register: string, settings: Omit<RegisterSettings, 'halt' | 'promised'>): Promise<void> {
    const full = { ...settings, halt: null, promised: null }
    await this.#parts.storage.saveRegister(register, settingsValue(full))
    await this.#open(register, full)
  }

  /** At the sequencer: the founders' entries, genesis first. Resolves once every founding operator has cosigned them. */
  async found(register: string, entries: readonly string[]): Promise<void> {
    await this.#get(register).part.ordering.found(entries)
  }

  async registers() {
    const summaries = [...this.#memberships.values()].map(async ({ part }) => ({
      register: part.register,
      purpose: (await part.ordering.log.findRegisterRow())?.purpose ?? '',
      size: part.ordering.log.head?.size ?? 0,
      committed: part.ordering.certificate?.size ?? 0,
    }))
    return Promise.all(summaries)
  }

  async getRegister(register: string) {
    return viewRegister(this.#get(register).part)
  }

  async getHistory(register: string) {
    return readHistory(this.#get(register).part)
  }

  async propose(
    register: string,
    { document, idempotencyKey, ...replacement }: { document: JsonValue; idempotencyKey: string } & Replacement,
  ) {
    const membership = this.#get(register)
    const { part } = membership
    const checked = checkDocument(document)
    const request = { proposal: checked.hash, ...replacement } as JsonValue
    const submission = await membership.submitOnce(idempotencyKey, request, (macs) =>
      prepareProposal(part, checked, replacement, macs),
    )
    const warnings = checked.warnings.map((finding) => ({ ...finding, severity: 'warning' as const }))
    return { proposal: submission.id, blueprint: checked.hash, index: indexOf(submission), warnings }
  }

  async approve(
    register: string,
    approval: { proposal: string; target: string; roles: string[]; idempotencyKey: string },
  ) {
    const membership = this.#get(register)
    const { idempotencyKey, ...request } = approval
    const submission = await membership.submitOnce(idempotencyKey, { approval: request }, (macs) =>
      prepareApproval(membership.part, request, macs),
    )
    return { approval: submission.id, index: indexOf(submission) }
  }

  async getBlueprint(register: string, hash: string) {
    const { part } = this.#get(register)
    const row = await getBlueprintRow(part, hash)
    const blueprint = await part.documents.get(hash)
    const { errors, warnings } = checkBlueprint(blueprint)
    return {
      blueprint: hash,
      document: blueprint as unknown as JsonObject,
      live: row.live,
      approvals: row.approvals,
      missing: missingApprovals(row),
      findings: [
        ...errors.map((finding) => ({ ...finding, severity: 'error' as const })),
        ...warnings.map((finding) => ({ ...finding, severity: 'warning' as const })),
      ],
    }
  }

  findDocument(hash: string): Promise<string | undefined> {
    return this.#parts.storage.findDocument(hash)
  }

  async startCase(register: string, action: { blueprint: string; role: string; data: JsonObject } & Acted) {
    const { blueprint, role, data, idempotencyKey, caller } = action
    const membership = this.#get(register)
    await getBlueprintRow(membership.part, blueprint)
    const document = await membership.part.documents.get(blueprint)
    const start = getStep(document, document.start)
    if (start.role !== role) {
      throw new ConcordatError({
        code: 'ROLE_NOT_OF_STEP',
        expected: start.role,
        got: 'another role',
        role: start.role,
        step: start.id,
      })
    }
    const request = { case: null, blueprint, step: null, data, idempotencyKey, caller }
    return receiptOf(membership.part, await membership.submitAction(request))
  }

  async submitAction(
    register: string,
    action: { case: string; step: string; data: JsonObject; corrects: string | null; reviews: string | null } & Acted,
  ) {
    const membership = this.#get(register)
    return receiptOf(membership.part, await membership.submitAction({ ...action, blueprint: null }))
  }

  async listCases(register: string, limit: number) {
    const { part } = this.#get(register)
    const cases = await part.storage.listCases(register, limit)
    return Promise.all(
      cases.map(async ({ register: _, ...summary }) => ({
        ...summary,
        roles: [...summary.roles],
        name: (await part.documents.find(summary.blueprint))?.name ?? null,
      })),
    )
  }

  async getCase(register: string, caseId: string) {
    const membership = this.#get(register)
    await membership.current()
    return viewCase(membership.part, caseId)
  }

  async listInbox(register: string, limit: number) {
    const { part } = this.#get(register)
    return Promise.all((await part.storage.listInbox(register, limit)).map((item) => viewInboxItem(part, item)))
  }

  async raiseDispute(
    register: string,
    dispute: {
      case: string
      record: string
      role: string
      reason: 'contradicts' | 'undelivered' | 'other'
      explanation: string
    } & Acted,
  ) {
    const membership = this.#get(register)
    const { idempotencyKey, caller: _, ...request } = dispute
    const submission = await membership.submitOnce(idempotencyKey, { dispute: request }, (macs) =>
      prepareDispute(membership.part, request, macs),
    )
    return { dispute: submission.id, index: indexOf(submission) }
  }

  async confirmRecord(register: string, { idempotencyKey, caller: _, ...request }: ConfirmRequest & Acted) {
    const entered = await this.#enter(register, idempotencyKey, { confirm: request }, (part, macs) =>
      prepareConfirm(part, request, macs),
    )
    return { confirm: entered.id, index: entered.index }
  }

  async resolveDispute(register: string, { idempotencyKey, caller: _, ...request }: ResolveRequest & Acted) {
    const entered = await this.#enter(register, idempotencyKey, { resolve: request }, (part, macs) =>
      prepareResolve(part, request, macs),
    )
    return { resolve: entered.id, index: entered.index }
  }

  async extendDeadline(register: string, { idempotencyKey, caller: _, ...request }: ExtendRequest & Acted) {
    const entered = await this.#enter(register, idempotencyKey, { extend: request }, (part, macs) =>
      prepareExtend(part, request, macs),
    )
    return { extend: entered.id, index: entered.index }
  }

  async enterLapse(register: string, { idempotencyKey, caller: _, ...request }: LapseRequest & Acted) {
    const entered = await this.#enter(register, idempotencyKey, { lapse: request }, (part, macs) =>
      prepareLapse(part, request, macs),
    )
    return { lapse: entered.id, index: entered.index }
  }

  /** Answers which fields go with those named, and whom it reaches. */
  async recallRecord(register: string, { idempotencyKey, caller: _, ...request }: RecallRequest & Acted) {
    const entered = await this.#enter(register, idempotencyKey, { recall: request }, (part, macs) =>
      prepareRecall(part, request, macs),
    )
    return recallOf(this.#get(register).part, request, entered)
  }

  /** Stops, or resumes, new cases in the member's own roles. */
  async suspendRoles(register: string, { idempotencyKey, caller: _, ...request }: SuspendRequest & Acted) {
    const entered = await this.#enter(register, idempotencyKey, { suspend: { ...request } }, (part, macs) =>
      prepareSuspend(part, request, macs),
    )
    return { suspend: entered.id, index: entered.index }
  }

  async exportEvidence(register: string, wanted: { record: string; fields: string[] | 'all' }) {
    const membership = this.#get(register)
    await membership.current()
    return exportEvidence(membership.part, wanted.record, wanted.fields)
  }

  async erase(register: string, wanted: { case: string; subject: string; retention: string[] | 'all' }) {
    return erase(this.#get(register).part, wanted)
  }

  /** Entries of other members, at the sequencer. Who brings them does not matter: each is signed. */
  async submitEntries(register: string, _from: string, entries: string[]): Promise<SubmitOutcome[]> {
    return this.#get(register).part.ordering.submitFromPeer(entries)
  }

  async logCheckpoint(register: string): Promise<string | undefined> {
    return this.#get(register).part.ordering.certificate?.note
  }

  /** A hash tile of exactly `width` hashes, cut from a wider one where need be (C2SP tlog-tiles). */
  async logTile(register: string, level: number, n: number, width: number): Promise<Uint8Array | undefined> {
    this.#get(register)
    const tile = await this.#parts.storage.findTile(register, level, n)
    return tile === undefined || tile.length < width * 32 ? undefined : tile.subarray(0, width * 32)
  }

  async logBundle(register: string, n: number, width: number): Promise<Uint8Array | undefined> {
    return this.#get(register).part.ordering.findBundle(n, width)
  }

  async addCheckpoint(register: string, body: string) {
    return this.#get(register).part.ordering.addCheckpoint(body)
  }

  async acceptCertificate(register: string, from: string, note: string): Promise<void> {
    await this.#get(register).part.ordering.acceptCertificate(note, from)
  }

  async findBoundaryCertificate(register: string, size: number): Promise<string | undefined> {
    this.#get(register)
    const certificates = await this.#parts.storage.boundaryCertificates(register)
    return certificates.find((certificate) => certificate.size === size)?.note
  }

  async acceptStatement(register: string, sent: SentStatement): Promise<void> {
    await this.#get(register).part.ordering.acceptStatement(sent)
  }

  /** This operator's people hand over to a term (RULES 31). */
  async handOver(register: string, wanted: { term: number; sequencer: string }) {
    const { part } = this.#get(register)
    await part.ordering.handOver(wanted)
    return viewHandover(part)
  }

  async listForks(register: string): Promise<JsonObject[]> {
    return listForks(this.#get(register).part)
  }

  async acceptDeliveries(
    register: string,
    from: string,
    message: { checkpoint: string; items: DeliveryItem[] },
  ): Promise<{ results: DeliveryResult[] }> {
    const membership = this.#get(register)
    await membership.part.ordering.acceptCertificate(message.checkpoint, from)
    return { results: await membership.receive(from, message.items) }
  }

  /** What this member owes to another and that one asks for. */
  async servePull(register: string, from: string, pull: Pull): Promise<{ checkpoint: string; items: DeliveryItem[] }> {
    return this.#get(register).servePull(from, pull)
  }

  /** Any of them counts: which one a member takes is its own business (RULES 6). */
  async requestKeys(register: string, member: string): Promise<EcPublicJwk[]> {
    const { part } = this.#get(register)
    const row = findMember(await part.ordering.log.rows([`member/${member}`]), member)
    return row?.keys.request.map(({ jwk }) => jwk) ?? []
  }

  async rotateKeys(register: string, { uses, idempotencyKey }: { uses: RotatedUse[]; idempotencyKey: string }) {
    const { id, index } = settledOf(await this.#get(register).keys.rotate(uses, idempotencyKey))
    return { member: id, index }
  }

  async revokeKey(
    register: string,
    { idempotencyKey, ...wanted }: { key: string; since: number | null; idempotencyKey: string },
  ) {
    const { id, index } = settledOf(await this.#get(register).keys.revoke(wanted, idempotencyKey))
    return { revoke: id, index }
  }

  async listKeys(register: string) {
    return viewKeys(this.#get(register).part)
  }

  async #open(register: string, settings: RegisterSettings): Promise<void> {
    const membership = await Membership.open({ ...this.#parts, register, settings })
    this.#memberships.set(register, membership)
    await membership.start()
  }

  #get(register: string): Membership {
    const membership = this.#memberships.get(register)
    if (membership !== undefined) return membership
    throw new ConcordatError({
      code: 'REGISTER_UNKNOWN',
      expected: 'a register that this member is part of',
      got: 'another',
    })
  }

  async #enter(
    register: string,
    idempotencyKey: string,
    request: object,
    prepare: (part: Part, macs: RequestMacs) => Promise<Prepared>,
  ): Promise<{ id: string; index: number }> {
    const membership = this.#get(register)
    const submission = await membership.submitOnce(idempotencyKey, request as JsonValue, (macs) =>
      prepare(membership.part, macs),
    )
    return settledOf(submission)
  }
}

function settledOf(submission: Submission): { id: string; index: number } {
  return { id: submission.id, index: indexOf(submission) }
}
