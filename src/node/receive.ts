import assert from 'node:assert'
import { documentStepId } from '../core/blueprint/blueprint.ts'
import { groupsOf, retentionOf } from '../core/blueprint/groups.ts'
import { join } from '../core/blueprint/pointer.ts'
import { type Finding as RuleFinding, recheck } from '../core/blueprint/recheck.ts'
import type { JsonObject, JsonValue } from '../core/canonical-json.ts'
import { fromBase64url } from '../core/crypto/base64url.ts'
import { digest } from '../core/crypto/hash.ts'
import { ConcordatError } from '../core/error.ts'
import type { ActionClaims, DisputeClaims } from '../core/ledger/claims.ts'
import { parseEntry, parseLeaf } from '../core/ledger/entry.ts'
import { findGrantDue, type GrantDue } from '../core/ledger/grants-due.ts'
import type { CaseRow } from '../core/ledger/state.ts'
import { type Grant, openGrant, parseGrant } from '../core/record/grant.ts'
import { openGroup, verifyGroup } from '../core/record/group.ts'
import type { Disclosure } from '../core/record/sd-claims.ts'
import type { Receipt, StoredGroup } from '../storage/storage.ts'
import type { DeliveryItem, DeliveryResult } from './deliveries.ts'
import { DISPUTE_RETENTION, EXPLANATION_GROUP } from './dispute.ts'
import { explanationReaders } from './effects.ts'
import { GroupCommit } from './group-commit.ts'
import { caseAt, findCaseRow, getBlueprintRow, type Part } from './part.ts'
import { rolesBefore } from './place.ts'
import { keyAfter, notRecalled, recallsOf } from './recalls.ts'
import { viewOf } from './sight.ts'
import type { VaultKeyScope } from './vault.ts'

/** What a recipient found: every group there and true to the record, and the rules re-run on all that it may see (RULES 27). */
export interface Verdict {
  verdict: RuleFinding['verdict']
  findings: Finding[]
}

/** Names fields, holds no value. */
export type Finding = RuleFinding | { check: 'group'; verdict: 'contradicts'; field: string }

interface Opened {
  fields: [string, JsonValue][]
  groups: StoredGroup[]
  findings: Finding[]
}

/**
 * Takes delivered groups: only what a committed entry authorises, each digest and commitment checked against the record. The
 * sender gets its acknowledgement once they are durable; a record that does not hold is disputed (RULES 17).
 */
export class Receiver {
  readonly #part: Part
  readonly #dispute: (record: { case: string; record: string; role: string; findings: Finding[] }) => Promise<void>
  /** By case. */
  readonly #rechecking = new Map<string, Promise<void>>()
  readonly #save: GroupCommit<{ receipt: Receipt; groups: readonly StoredGroup[] }, undefined>

  constructor(parts: {
    part: Part
    /** Raises the dispute that a contradiction demands. May be called again for the same record. */
    dispute: (record: { case: string; record: string; role: string; findings: Finding[] }) => Promise<void>
  }) {
    this.#part = parts.part
    this.#dispute = parts.dispute
    this.#save = new GroupCommit(async (items) => {
      await parts.part.storage.saveReceipts(items)
      return items.map(() => undefined)
    })
  }

  receive(from: string, items: readonly DeliveryItem[]): Promise<DeliveryResult[]> {
    return Promise.all(
      items.map(async (item): Promise<DeliveryResult> => {
        try {
          return await this.#receiveOne(from, item)
        } catch (error) {
          if (error instanceof ConcordatError) return { refusal: error.detail }
          throw error
        }
      }),
    )
  }

  async #receiveOne(from: string, item: DeliveryItem): Promise<DeliveryResult> {
    const { register, storage, ordering } = this.#part
    const known = await storage.findReceipt(register, item)
    if (known?.state === 'erased') return { state: 'erased' }
    const leaf = await storage.findLeaf(register, item.record)
    const committed = ordering.certificate?.size ?? 0
    if (leaf === undefined || leaf.index >= committed) throw notAuthorised('a committed record')
    const entry = parseEntry(parseLeaf(leaf.leaf).jws)
    if (entry.claims.iss !== from) throw notAuthorised("the record's signer as sender")
    if (known?.state === 'opened') {
      if (entry.kind === 'action+sd-jwt') await this.#recheckWaiting(entry.claims, known)
      return { state: 'acknowledged' }
    }
    if (entry.kind === 'action+sd-jwt') return this.#receiveRecord(from, item, entry.claims)
    if (entry.kind === 'dispute') return this.#receiveExplanation(from, item, entry.claims)
    throw notAuthorised('an action or a dispute')
  }

  async #receiveRecord(from: string, item: DeliveryItem, claims: ActionClaims): Promise<DeliveryResult> {
    const row = await this.#caseRow(claims.case)
    const due = await this.#findGrantDue(row, item)
    if (due === undefined || due.member !== this.#part.member) throw notAuthorised('a grant that an entry authorises')
    const { recalls } = await recallsOf(this.#part, claims.case)
    const wanted = from === this.#part.member ? due.groups : notRecalled(recalls, { ...item, groups: due.groups })
    const receipt = this.#receipt(from, item, claims.case, wanted)
    if ('erased' in item || wanted.length === 0) {
      await this.#save.add({ receipt: { ...receipt, state: 'erased' }, groups: [] })
      return { state: 'erased' in item ? 'acknowledged' : 'erased' }
    }
    const blueprint = await this.#part.documents.get(claims.bp)
    const step = documentStepId(blueprint, claims.step)
    const groups = groupsOf(blueprint, step)
    const opened = await this.#open(item, wanted, {
      commitments: claims.groups,
      sd: claims._sd,
      scopeOf: (index) => ({
        register: this.#part.register,
        case: claims.case,
        subject: groups[index]!.subject,
        role: item.role,
        retention: retentionOf(blueprint, step, groups[index]!, item.role) ?? '',
        after: keyAfter(recalls, this.#part.member),
      }),
    })
    if (opened === 'erased') {
      await this.#save.add({ receipt: { ...receipt, state: 'erased' }, groups: [] })
      return { state: 'erased' }
    }
    const checked = await this.#recheck(claims, item, row, opened)
    const findings = [...opened.findings, ...checked]
    const against = findings.filter(({ verdict }) => verdict === 'contradicts')
    // Before the acknowledgement: a crash in between leaves the delivery to come again, and the dispute is raised once.
    if (against.length > 0 && counts(row, item.record)) {
      await this.#dispute({ case: claims.case, record: item.record, role: item.role, findings: against })
    }
    await this.#save.add({
      receipt: { ...receipt, state: 'opened', verdict: verdictOf(findings) as unknown as JsonObject },
      groups: opened.groups,
    })
    await this.#recheckWaiting(claims, receipt)
    return { state: 'acknowledged' }
  }

  /**
   * Checks again the records of the case that could not be checked for want of what `arrived` brought, from whichever sender.
   * One after the other in a case, each with all that is stored by then: the last verdict is the best.
   */
  #recheckWaiting(claims: ActionClaims, arrived: Receipt): Promise<void> {
    const before = this.#rechecking.get(claims.case) ?? Promise.resolve()
    const mine = before
      .catch(() => undefined)
      .then(() => this.#recheckAfter(claims, arrived))
      .finally(() => {
        if (this.#rechecking.get(claims.case) === mine) this.#rechecking.delete(claims.case)
      })
    this.#rechecking.set(claims.case, mine)
    return mine
  }

  async #recheckAfter(claims: ActionClaims, arrived: Receipt): Promise<void> {
    const { register, storage } = this.#part
    const blueprint = await this.#part.documents.get(claims.bp)
    const step = documentStepId(blueprint, claims.step)
    const fields = groupsOf(blueprint, step)
      .filter(({ index }) => arrived.groups.includes(index))
      .flatMap((group) => group.fields.map((field) => `${step}${field.replaceAll('/', '.')}`))
    const row = await this.#caseRow(claims.case)
    for (const receipt of await storage.caseReceipts(register, claims.case)) {
      if (receipt.state !== 'opened' || receipt.role !== arrived.role) continue
      // In a case that has moved, steps and fields have had other names.
      if (!misses(receipt, fields) && row.versions.length === 0) continue
      const leaf = await storage.findLeaf(register, receipt.record)
      const entry = leaf && parseEntry(parseLeaf(leaf.leaf).jws)
      if (entry?.kind !== 'action+sd-jwt') continue
      const findings = await this.#recheck(entry.claims, receipt, row, { fields: [], groups: [], findings: [] })
      const against = findings.filter(({ verdict }) => verdict === 'contradicts')
      const { record, role } = receipt
      if (against.length > 0 && counts(row, record))
        await this.#dispute({ case: claims.case, record, role, findings: against })
      await storage.saveVerdicts([{ ...receipt, verdict: verdictOf(findings) as unknown as JsonObject }])
    }
  }

  async #receiveExplanation(from: string, item: DeliveryItem, claims: DisputeClaims): Promise<DeliveryResult> {
    const newest = await this.#caseRow(claims.case)
    const raised = newest.disputes.find(({ id }) => id === item.record)
    assert(raised !== undefined, 'a committed dispute is in the row of its case')
    const { row, blueprint } = await caseAt(this.#part, newest, raised.index + 1)
    const reader = explanationReaders(row, blueprint, raised).find(({ role }) => role === item.role)
    if (reader?.member !== this.#part.member || item.authorisedBy !== item.record) {
      throw notAuthorised('a grant that an entry authorises')
    }
    const receipt = this.#receipt(from, item, claims.case, [EXPLANATION_GROUP])
    const { recalls } = await recallsOf(this.#part, claims.case)
    const opened =
      'erased' in item
        ? 'erased'
        : await this.#open(item, [EXPLANATION_GROUP], {
            commitments: ['', claims.explanation],
            sd: null,
            scopeOf: () => ({
              register: this.#part.register,
              case: claims.case,
              subject: claims.as,
              role: item.role,
              retention: DISPUTE_RETENTION,
              after: keyAfter(recalls, this.#part.member),
            }),
          })
    if (opened === 'erased') {
      await this.#save.add({ receipt: { ...receipt, state: 'erased' }, groups: [] })
      return { state: 'erased' in item ? 'acknowledged' : 'erased' }
    }
    const verdict = verdictOf(opened.findings) as unknown as JsonObject
    await this.#save.add({ receipt: { ...receipt, state: 'opened', verdict }, groups: opened.groups })
    return { state: 'acknowledged' }
  }

  /** Opens the grant and every group that is due. A missing or failing one is a finding; the others are kept all the same. */
  async #open(
    item: Extract<DeliveryItem, { grant: Grant }>,
    due: readonly number[],
    record: {
      commitments: readonly string[]
      /** Null where the commitment alone binds the fields. */
      sd: readonly string[] | null
      scopeOf: (index: number) => VaultKeyScope
    },
  ): Promise<Opened | 'erased'> {
    const opened: Opened = { fields: [], groups: [], findings: [] }
    const keys = await openedKeys(this.#part, item)
    const extra = keys === undefined ? [] : [...keys.keys()].filter((index) => !due.includes(index))
    if (extra.length > 0) throw notAuthorised('a grant of the groups that an entry authorises')
    for (const index of due) {
      const key = keys?.get(index)
      const sealed = item.groups.find((group) => group.index === index)?.sealed
      const verified =
        key !== undefined && sealed !== undefined ? openOne(item.record, index, key, sealed, record) : undefined
      if (verified === undefined || key === undefined || sealed === undefined) {
        opened.findings.push({ check: 'group', verdict: 'contradicts', field: `/groups/${index}` })
        continue
      }
      opened.fields.push(...verified.map(({ name, value }): [string, JsonValue] => [name, value]))
      try {
        opened.groups.push(
          await this.#part.vault.keep({
            scope: record.scopeOf(index),
            record: item.record,
            index,
            key,
            sealed: fromBase64url(sealed),
          }),
        )
      } catch (error) {
        if (error instanceof ConcordatError && error.code === 'ERASED') return 'erased'
        throw error
      }
    }
    return opened
  }

  /** RULES 27, on all that this role holds of the record by now. */
  async #recheck(
    claims: ActionClaims,
    item: Pick<Receipt, 'record' | 'role'>,
    row: CaseRow,
    opened: Opened,
  ): Promise<Finding[]> {
    const { documents, storage, vault, register } = this.#part
    const blueprint = await documents.get(claims.bp)
    const step = documentStepId(blueprint, claims.step)
    // Two steps may disclose the same group: then it comes once with each of them.
    const arrived = new Set(opened.groups.map(({ index }) => index))
    const before = (await storage.recordGroups(register, item.record, item.role)).filter(
      ({ index }) => !arrived.has(index),
    )
    const held = [...before, ...opened.groups]
    const fields = [...((await vault.fields(before)).get(item.record) ?? []), ...opened.fields]
    const sees = groupsOf(blueprint, step).flatMap((group) =>
      held.some(({ index }) => index === group.index) ? group.fields : [],
    )
    const record = row.records.find(({ id }) => id === item.record)
    assert(record !== undefined, 'a committed record is in the row of its case')
    const { skeleton } = await getBlueprintRow(this.#part, row.bp)
    const view = await viewOf(this.#part, {
      caseId: claims.case,
      row,
      version: { bp: claims.bp, blueprint },
      role: item.role,
      prev: claims.prev,
      before: record.index,
      roles: rolesBefore(row, skeleton, record),
    })
    const { next, bind } = claims
    return recheck(blueprint, {
      step,
      record: { next, bind },
      role: item.role,
      visible: join(fields),
      sees,
      view,
      asOf: claims.iat,
    }).findings
  }

  /** As the entry that authorises it found the case, so that a later one that makes the record void takes nothing back. */
  async #findGrantDue(row: CaseRow, item: DeliveryItem): Promise<GrantDue | undefined> {
    const authorising = row.records.find(({ id }) => id === item.authorisedBy)
    if (authorising === undefined) return undefined
    const at = await caseAt(this.#part, row, authorising.index + 1)
    return findGrantDue(at.blueprint.skeleton, at.row, item)
  }

  async #caseRow(caseId: string): Promise<CaseRow> {
    const row = await findCaseRow(this.#part, caseId)
    if (row === undefined) throw notAuthorised('a case on the register')
    return row
  }

  #receipt(from: string, item: DeliveryItem, caseId: string, groups: readonly number[]): Receipt {
    const { record, role, authorisedBy } = item
    return {
      register: this.#part.register,
      record,
      role,
      authorisedBy,
      from,
      case: caseId,
      groups,
      state: 'awaited',
      verdict: null,
    }
  }
}

/** The group keys; undefined where the grant does not open, which is the sender's fault and a contradiction. */
async function openedKeys(
  part: Part,
  item: Extract<DeliveryItem, { grant: Grant }>,
): Promise<Map<number, Uint8Array> | undefined> {
  const grant = parseGrant(item.grant as unknown as JsonValue)
  if (grant.record !== item.record || grant.role !== item.role || grant.authorisedBy !== item.authorisedBy) {
    throw notAuthorised('a grant for the record, role and entry that it comes with')
  }
  try {
    return await openGrant(grant, (message) => part.custody.openGrant(message))
  } catch (error) {
    // An unknown epoch is a matter of timing, not of truth: the sender tries again with the newest.
    if (error instanceof ConcordatError && error.code !== 'KEY_UNKNOWN') return undefined
    throw error
  }
}

function openOne(
  recordId: string,
  index: number,
  key: Uint8Array,
  sealed: string,
  record: { commitments: readonly string[]; sd: readonly string[] | null },
): Disclosure[] | undefined {
  try {
    const group = openGroup({ index, recordId, key, sealed: fromBase64url(sealed) })
    const sd = record.sd ?? group.disclosures.map((disclosure) => digest(disclosure))
    return verifyGroup({ ...group, index, commitments: record.commitments, sd })
  } catch (error) {
    if (error instanceof ConcordatError) return undefined
    throw error
  }
}

/** Nobody disputes what is void already. */
function counts(row: CaseRow, recordId: string): boolean {
  return row.records.find(({ id }) => id === recordId)?.void === null
}

/** Whether a check of the record had to do without one of these fields. A contradiction stands. */
function misses(receipt: Receipt, fields: readonly string[]): boolean {
  const verdict = receipt.verdict as unknown as Verdict | null
  if (verdict?.verdict !== 'not checkable') return false
  const missing = verdict.findings.flatMap((finding) => ('missing' in finding ? (finding.missing ?? []) : []))
  return missing.some((path) =>
    fields.some((field) => field === path || field.startsWith(`${path}.`) || path.startsWith(`${field}.`)),
  )
}

function verdictOf(findings: Finding[]): Verdict {
  const has = (verdict: Finding['verdict']) => findings.some((finding) => finding.verdict === verdict)
  return { verdict: has('contradicts') ? 'contradicts' : has('not checkable') ? 'not checkable' : 'agrees', findings }
}

function notAuthorised(expected: string): ConcordatError {
  return new ConcordatError({ code: 'GRANT_NOT_AUTHORISED', expected, got: 'something else' })
}
