import assert from 'node:assert'
import type { DatabaseSync, StatementSync } from 'node:sqlite'
import type { JsonObject, JsonValue } from '../core/canonical-json.ts'
import { ConcordatError, type ErrorDetail } from '../core/error.ts'
import { emptyJournal, mapFailures, openDatabase, openDatabaseSnapshot } from './sqlite-database.ts'
import { addGroup, closeGroups, eraseGroups } from './sqlite-erasure.ts'
import { appendLeaves, dropLeaves, undoneRows } from './sqlite-leaves.ts'
import {
  caseOf,
  caseValues,
  certificateOf,
  deliveryOf,
  deliveryValues,
  fromStored,
  groupOf,
  headOf,
  headText,
  inboxItemOf,
  inboxItemValues,
  owedErasureOf,
  owedErasureValues,
  type Row,
  receiptOf,
  receiptValues,
  submissionOf,
  submissionValues,
} from './sqlite-rows.ts'
import { prepareStatements, type Statements } from './sqlite-statements.ts'
import { SqliteWriter } from './sqlite-writer.ts'
import type {
  AccessToken,
  CaseSummary,
  Closing,
  Delivery,
  Effects,
  GrantKey,
  Head,
  InboxItem,
  LeafBatch,
  OwedErasure,
  Receipt,
  Storage,
  StoredCertificate,
  StoredGroup,
  Submission,
} from './storage.ts'

const rowsPerRead = 512

/** The store of one member's node in one SQLite file at `path`, made when it is not there. Several processes may open it. */
export async function openSqliteStorage({ path }: { path: string }): Promise<Storage> {
  return new SqliteStorage(openDatabase(path))
}

/**
 * The file as it is now, for reading alone, however long that takes and whoever writes to it meanwhile. Until it is closed the
 * writers' journal cannot be emptied, so an erasure has to be asked for again.
 */
export async function openSqliteSnapshot({ path }: { path: string }): Promise<Storage> {
  return new SqliteStorage(openDatabaseSnapshot(path))
}

class SqliteStorage implements Storage {
  readonly #db: DatabaseSync
  readonly #sql: Statements
  readonly #writer: SqliteWriter
  /** Of registers known to be on disk; a register's number never changes. */
  readonly #numbers = new Map<string, number>()

  constructor(db: DatabaseSync) {
    this.#db = db
    this.#sql = mapFailures(() => prepareStatements(db))
    this.#writer = new SqliteWriter(db)
  }

  async saveRegister(register: string, settings: JsonObject): Promise<void> {
    await this.#writer.write(() => {
      this.#sql.saveSettings.run({ register: this.#numberOf(register), settings: JSON.stringify(settings) })
    })
  }

  async registers(): Promise<{ register: string; settings: JsonObject }[]> {
    const rows = mapFailures(() => this.#sql.registers.all())
    return rows.map((row) => ({ register: row.id as string, settings: fromStored<JsonObject>(row.settings) }))
  }

  async findHead(register: string): Promise<Head | undefined> {
    return mapFailures(() => headOf(this.#sql.register.get(register)))
  }

  async appendBatch(register: string, batch: LeafBatch): Promise<void> {
    const { expected, head, leaves } = batch
    const from = expected?.size ?? 0
    assert(head.size === from + leaves.length, 'a batch ends where its leaves end')
    assert(head.term >= (expected?.term ?? 0), 'terms never go back')
    await this.#writer.write(() => {
      appendLeaves(this.#sql, this.#numberAt(register, expected), batch)
    })
  }

  async replaceLeaves(register: string, head: { term: number; size: number }, batch: LeafBatch): Promise<void> {
    await this.#writer.write(() => {
      const number = this.#numberAt(register, head)
      dropLeaves(this.#sql, number, { size: batch.expected?.size ?? 0, until: batch.head.size })
      appendLeaves(this.#sql, number, batch)
    })
  }

  async droppableSizes(register: string): Promise<number[]> {
    return this.#list(register, this.#sql.undoSizes, {}).map((row) => row.size as number)
  }

  async rowsBefore(register: string, size: number): Promise<Map<string, JsonValue | undefined>> {
    const number = mapFailures(() => this.#findNumber(register))
    const rows = number === undefined ? [] : mapFailures(() => [...undoneRows(this.#sql, number, size)])
    return new Map(rows.map(([key, body]) => [key, body === null ? undefined : fromStored<JsonValue>(body)]))
  }

  async findCosigned(register: string): Promise<string | null> {
    return (this.#find(register, this.#sql.cosigned, {})?.cosigned as string | null | undefined) ?? null
  }

  async saveCosigned(register: string, note: string): Promise<void> {
    await this.#writer.write(() => {
      this.#sql.saveCosigned.run({ register: this.#numberOf(register), note })
    })
  }

  /** The register's number, if its head is the expected one. */
  #numberAt(register: string, expected: { term: number; size: number } | null): number {
    const number = this.#numberOf(register)
    const current = headOf(this.#sql.register.get(register)) ?? null
    if (current?.term === expected?.term && current?.size === expected?.size) return number
    throw new ConcordatError({ code: 'STORAGE_HEAD_MOVED', expected: headText(expected), got: headText(current) })
  }

  async readLeaves(register: string, from: number, count: number): Promise<string[]> {
    return this.#list(register, this.#sql.leaves, { from, count }).map((row) => row.leaf as string)
  }

  async findLeaf(register: string, id: string): Promise<{ index: number; leaf: string } | undefined> {
    const row = this.#find(register, this.#sql.leafById, { id })
    return row && { index: row.idx as number, leaf: row.leaf as string }
  }

  async readGovernance(register: string): Promise<{ index: number; leaf: string }[]> {
    const rows = this.#list(register, this.#sql.governance, {})
    return rows.map((row) => ({ index: row.idx as number, leaf: row.leaf as string }))
  }

  async findTile(register: string, level: number, n: number): Promise<Uint8Array | undefined> {
    return this.#find(register, this.#sql.tile, { level, n })?.hashes as Uint8Array | undefined
  }

  async readRows(register: string, keys: readonly string[]): Promise<Map<string, JsonValue>> {
    const rows = this.#list(register, this.#sql.rowsByKey, { keys: JSON.stringify(keys) })
    return new Map(rows.map((row) => [row.key as string, fromStored<JsonValue>(row.body)]))
  }

  async rowsUnder(register: string, prefix: string): Promise<Map<string, JsonValue>> {
    const rows = this.#list(register, this.#sql.rowsUnder, { prefix, end: `${prefix}\u{10FFFF}` })
    return new Map(rows.map((row) => [row.key as string, fromStored<JsonValue>(row.body)]))
  }

  async *allRows(register: string): AsyncIterable<[string, JsonValue]> {
    // Page by page: a statement left open would hold the journal and with it eraseGroups.
    for (let after = ''; ; ) {
      const rows = this.#list(register, this.#sql.rowsAfter, { after, limit: rowsPerRead })
      for (const row of rows) yield [row.key as string, fromStored<JsonValue>(row.body)]
      if (rows.length < rowsPerRead) return
      after = rows.at(-1)?.key as string
    }
  }

  async findCertificate(register: string): Promise<StoredCertificate | undefined> {
    const row = this.#find(register, this.#sql.certificate, {})
    return row && certificateOf(row)
  }

  async boundaryCertificates(register: string): Promise<StoredCertificate[]> {
    return this.#list(register, this.#sql.boundaries, {}).map(certificateOf)
  }

  async saveCertificate(register: string, { size, note, boundary }: StoredCertificate): Promise<void> {
    await this.#writer.write(() => {
      const number = this.#numberOf(register)
      const newest = this.#sql.certificate.get({ register: number })
      if (!boundary && newest !== undefined && (newest.size as number) >= size) return
      this.#sql.saveCertificate.run({ register: number, size, note, boundary: boundary ? 1 : 0 })
      this.#sql.dropCertificatesBelow.run({ register: number, size })
      this.#sql.dropUndoBelow.run({ register: number, size })
      this.#sql.forgetDropped.run({ register: number, size })
    })
  }

  async saveDocument(hash: string, text: string): Promise<void> {
    await this.#writer.write(() => {
      this.#sql.saveDocument.run({ hash, body: text })
    })
  }

  async findDocument(hash: string): Promise<string | undefined> {
    return mapFailures(() => this.#sql.document.get(hash)?.body as string | undefined)
  }

  async saveSubmissions(items: readonly { submission: Submission; groups: readonly StoredGroup[] }[]): Promise<void> {
    await this.#writer.write(() => {
      for (const { submission, groups } of items) this.#addSubmission(submission, groups)
    })
  }

  async findSubmission(register: string, idempotency: string): Promise<Submission | undefined> {
    const row = this.#find(register, this.#sql.submissionByKey, { idempotency })
    return row && submissionOf(register, row)
  }

  async pendingSubmissions(register: string): Promise<Submission[]> {
    return this.#list(register, this.#sql.pendingSubmissions, {}).map((row) => submissionOf(register, row))
  }

  async settleSubmissions(
    register: string,
    outcomes: readonly ({ id: string; index: number } | { id: string; refusal: ErrorDetail })[],
  ): Promise<void> {
    await this.#writer.write(() => {
      const number = this.#numberOf(register)
      for (const outcome of outcomes) {
        const { id } = outcome
        if ('index' in outcome) {
          this.#sql.commitSubmission.run({ register: number, id, idx: outcome.index })
        } else {
          const refusal = JSON.stringify(outcome.refusal)
          const { changes } = this.#sql.refuseSubmission.run({ register: number, id, refusal })
          if (changes === 1) this.#sql.dropGroupsOfRecord.run({ register: number, record: id })
        }
      }
    })
  }

  async replaceSubmission(id: string, submission: Submission, groups: readonly StoredGroup[]): Promise<void> {
    await this.#writer.write(() => {
      const number = this.#numberOf(submission.register)
      const { changes } = this.#sql.dropSubmission.run({ register: number, id })
      if (changes !== 1)
        throw new ConcordatError({
          code: 'SUBMISSION_CONFLICT',
          expected: 'a submission that is kept and not committed',
          got: 'none under that id',
        })
      this.#sql.dropGroupsOfRecord.run({ register: number, record: id })
      this.#addSubmission(submission, groups)
    })
  }

  async effectsCursor(register: string): Promise<number> {
    return mapFailures(() => (this.#sql.register.get(register)?.cursor as number | undefined) ?? 0)
  }

  async saveEffects({ register, cursor, cases, inbox, deliveries, receipts }: Effects): Promise<void> {
    await this.#writer.write(() => {
      const number = this.#numberOf(register)
      if (cursor < (this.#sql.register.get(register)?.cursor as number)) return
      for (const summary of cases) {
        this.#sql.saveCase.run(caseValues(number, summary))
        this.#sql.clearInbox.run({ register: number, case: summary.case })
      }
      for (const item of inbox) this.#sql.addInboxItem.run(inboxItemValues(number, item))
      for (const delivery of deliveries) this.#sql.addDelivery.run(deliveryValues(number, delivery))
      for (const receipt of receipts) this.#sql.addReceipt.run(receiptValues(number, receipt))
      this.#sql.saveCursor.run({ register: number, cursor })
    })
  }

  async findCase(register: string, caseId: string): Promise<CaseSummary | undefined> {
    const row = this.#find(register, this.#sql.caseById, { case: caseId })
    return row && caseOf(register, row)
  }

  async listCases(register: string, limit: number): Promise<CaseSummary[]> {
    return this.#list(register, this.#sql.cases, { limit }).map((row) => caseOf(register, row))
  }

  async dueCases(register: string, now: number, limit: number): Promise<CaseSummary[]> {
    return this.#list(register, this.#sql.dueCases, { now, limit }).map((row) => caseOf(register, row))
  }

  async listInbox(register: string, limit: number): Promise<InboxItem[]> {
    return this.#list(register, this.#sql.inbox, { limit }).map((row) => inboxItemOf(register, row))
  }

  async dueRecipients(register: string, now: number): Promise<string[]> {
    return this.#list(register, this.#sql.dueRecipients, { now }).map((row) => row.member as string)
  }

  async dueDeliveries(register: string, due: { member: string; now: number; limit: number }): Promise<Delivery[]> {
    return this.#list(register, this.#sql.dueDeliveries, due).map((row) => deliveryOf(register, row))
  }

  async updateDeliveries(deliveries: readonly Delivery[]): Promise<void> {
    await this.#writer.write(() => {
      for (const { register, record, role, authorisedBy, state, attempts, dueAt } of deliveries)
        this.#sql.updateDelivery.run({
          register: this.#numberOf(register),
          record,
          role,
          authorisedBy,
          state,
          attempts,
          dueAt,
        })
    })
  }

  async caseDeliveries(register: string, caseId: string): Promise<Delivery[]> {
    return this.#list(register, this.#sql.deliveriesByCase, { case: caseId }).map((row) => deliveryOf(register, row))
  }

  async findDelivery(register: string, { record, role, authorisedBy }: GrantKey): Promise<Delivery | undefined> {
    const row = this.#find(register, this.#sql.delivery, { record, role, authorisedBy })
    return row && deliveryOf(register, row)
  }

  async findReceipt(register: string, { record, role, authorisedBy }: GrantKey): Promise<Receipt | undefined> {
    const row = this.#find(register, this.#sql.receipt, { record, role, authorisedBy })
    return row && receiptOf(register, row)
  }

  async caseReceipts(register: string, caseId: string): Promise<Receipt[]> {
    return this.#list(register, this.#sql.receiptsByCase, { case: caseId }).map((row) => receiptOf(register, row))
  }

  async awaitedSenders(register: string): Promise<string[]> {
    return this.#list(register, this.#sql.awaitedSenders, {}).map((row) => row.sender as string)
  }

  async awaitedReceipts(register: string, awaited: { from: string; limit: number }): Promise<Receipt[]> {
    return this.#list(register, this.#sql.awaitedReceipts, awaited).map((row) => receiptOf(register, row))
  }

  async saveReceipts(items: readonly { receipt: Receipt; groups: readonly StoredGroup[] }[]): Promise<void> {
    await this.#writer.write(() => {
      for (const { receipt, groups } of items) {
        assert(receipt.state !== 'awaited')
        const { changes } = this.#sql.openReceipt.run(receiptValues(this.#numberOf(receipt.register), receipt))
        if (changes === 1) this.#addGroups(groups)
      }
    })
  }

  async saveVerdicts(receipts: readonly Receipt[]): Promise<void> {
    await this.#writer.write(() => {
      for (const { register, record, role, authorisedBy, verdict } of receipts)
        this.#sql.saveVerdict.run({
          register: this.#numberOf(register),
          record,
          role,
          authorisedBy,
          verdict: verdict && JSON.stringify(verdict),
        })
    })
  }

  async caseGroups(register: string, caseId: string): Promise<StoredGroup[]> {
    return this.#list(register, this.#sql.groupsByCase, { case: caseId }).map((row) => groupOf(register, row))
  }

  async recordGroups(register: string, record: string, role: string): Promise<StoredGroup[]> {
    return this.#list(register, this.#sql.groupsByRecord, { record, role }).map((row) => groupOf(register, row))
  }

  async eraseGroups(vaultKeys: readonly string[]): Promise<void> {
    await this.#writer.write(() => {
      eraseGroups(this.#sql, vaultKeys)
    })
    emptyJournal(this.#db)
  }

  async closeGroups(closing: Closing): Promise<void> {
    await this.#writer.write(() => closeGroups(this.#sql, this.#numberOf(closing.register), closing))
  }

  async retiredVaultKeys(register: string, caseId: string): Promise<string[]> {
    return this.#list(register, this.#sql.retiredByCase, { case: caseId }).map((row) => row.vault_key as string)
  }

  async saveOwedErasure(owed: OwedErasure): Promise<void> {
    await this.#writer.write(() => {
      this.#sql.addOwedErasure.run(owedErasureValues(this.#numberOf(owed.register), owed))
    })
  }

  async dueErasures(register: string, now: number, limit: number): Promise<OwedErasure[]> {
    return this.#list(register, this.#sql.dueErasures, { now, limit }).map((row) => owedErasureOf(register, row))
  }

  async settleErasure({ register, case: caseId, recall }: OwedErasure): Promise<void> {
    await this.#writer.write(() => {
      this.#sql.settleErasure.run({ register: this.#numberOf(register), case: caseId, recall: recall ?? '' })
    })
  }

  async saveToken({ hash, member, name, scopes }: AccessToken): Promise<void> {
    await this.#writer.write(() => {
      this.#sql.saveToken.run({ hash, member, name, scopes: JSON.stringify(scopes) })
    })
  }

  async findToken(hash: string): Promise<AccessToken | undefined> {
    const row = mapFailures(() => this.#sql.token.get(hash))
    return (
      row && {
        hash: row.hash as string,
        member: row.member as string,
        name: row.name as string,
        scopes: fromStored<string[]>(row.scopes),
      }
    )
  }

  async close(): Promise<void> {
    if (!this.#db.isOpen) return
    this.#writer.flush()
    mapFailures(() => this.#db.close())
  }

  #list(register: string, statement: StatementSync, values: Record<string, string | number>): Row[] {
    return mapFailures(() => {
      const number = this.#findNumber(register)
      return number === undefined ? [] : statement.all({ ...values, register: number })
    })
  }

  #find(register: string, statement: StatementSync, values: Record<string, string | number>): Row | undefined {
    return mapFailures(() => {
      const number = this.#findNumber(register)
      return number === undefined ? undefined : statement.get({ ...values, register: number })
    })
  }

  /** Inside a write only: makes the register known. */
  #numberOf(register: string): number {
    return this.#findNumber(register) ?? Number(this.#sql.addRegister.run(register).lastInsertRowid)
  }

  #findNumber(register: string): number | undefined {
    const known = this.#numbers.get(register)
    if (known !== undefined) return known
    const number = this.#sql.register.get(register)?.number as number | undefined
    // A number made in a transaction that is still open may yet be rolled back.
    if (number !== undefined && !this.#db.isTransaction) this.#numbers.set(register, number)
    return number
  }

  #addSubmission(submission: Submission, groups: readonly StoredGroup[]): void {
    const number = this.#numberOf(submission.register)
    const { changes } = this.#sql.addSubmission.run(submissionValues(number, submission))
    if (changes === 1) this.#addGroups(groups)
    else if (
      this.#sql.submissionById.get({ register: number, id: submission.id })?.idempotency !== submission.idempotency
    )
      throw new ConcordatError({
        code: 'SUBMISSION_CONFLICT',
        expected: 'an idempotency key not used before',
        got: 'the key of another submission',
      })
  }

  #addGroups(groups: readonly StoredGroup[]): void {
    for (const group of groups) addGroup(this.#sql, this.#numberOf(group.register), group)
  }
}
