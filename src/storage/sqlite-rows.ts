import type { SQLInputValue, SQLOutputValue } from 'node:sqlite'
import type { JsonObject } from '../core/canonical-json.ts'
import { ConcordatError, type ErrorDetail } from '../core/error.ts'
import type {
  CaseSummary,
  Delivery,
  Head,
  InboxItem,
  OwedErasure,
  Receipt,
  StoredCertificate,
  StoredGroup,
  Submission,
} from './storage.ts'

/** What the database holds, as the contract's types and back. Columns have the types of the STRICT schema. */
export type Row = Record<string, SQLOutputValue>
type Values = Record<string, SQLInputValue>

/** JSON that this store wrote. Other text means a damaged file; it is not quoted, because it may hold anything. */
export function fromStored<T>(text: SQLOutputValue | undefined): T {
  try {
    return JSON.parse(text as string) as T
  } catch {
    throw new ConcordatError({ code: 'STORAGE_FAILED', expected: 'JSON as stored', got: 'other text', sqlite: null })
  }
}

export function headOf(row: Row | undefined): Head | undefined {
  if (row === undefined || row.size === null) return undefined
  return { term: row.term as number, size: row.size as number, root: row.root as string, time: row.time as number }
}

export function headText(head: { term: number; size: number } | null): string {
  return head === null ? 'no head' : `term ${head.term}, size ${head.size}`
}

export function certificateOf(row: Row): StoredCertificate {
  return { size: row.size as number, note: row.note as string, boundary: row.boundary === 1 }
}

export function submissionValues(number: number, s: Submission): Values {
  return {
    register: number,
    id: s.id,
    jws: s.jws,
    kind: s.kind,
    case: s.case,
    iat: s.iat,
    idempotency: s.idempotency,
    request: s.request,
    state: s.state,
    idx: s.index,
    refusal: s.refusal && JSON.stringify(s.refusal),
  }
}

export function submissionOf(register: string, row: Row): Submission {
  return {
    register,
    id: row.id as string,
    jws: row.jws as string,
    kind: row.kind as string,
    case: row.case_id as string | null,
    iat: row.iat as number,
    idempotency: row.idempotency as string,
    request: row.request as string,
    state: row.state as Submission['state'],
    index: row.idx as number | null,
    refusal: row.refusal === null ? null : fromStored<ErrorDetail>(row.refusal),
  }
}

export function groupValues(number: number, g: StoredGroup): Values {
  return {
    register: number,
    record: g.record,
    role: g.role,
    idx: g.index,
    case: g.case,
    vaultKey: g.vaultKey,
    wrappedKey: g.wrappedKey,
    sealed: g.sealed,
  }
}

export function groupOf(register: string, row: Row): StoredGroup {
  return {
    register,
    record: row.record as string,
    index: row.idx as number,
    role: row.role as string,
    case: row.case_id as string,
    vaultKey: row.vault_key as string,
    wrappedKey: row.wrapped_key as Uint8Array,
    sealed: row.sealed as Uint8Array,
  }
}

export function deliveryValues(number: number, d: Delivery): Values {
  return {
    register: number,
    record: d.record,
    role: d.role,
    authorisedBy: d.authorisedBy,
    member: d.member,
    case: d.case,
    groups: JSON.stringify(d.groups),
    state: d.state,
    attempts: d.attempts,
    dueAt: d.dueAt,
  }
}

export function deliveryOf(register: string, row: Row): Delivery {
  return {
    register,
    record: row.record as string,
    role: row.role as string,
    authorisedBy: row.authorised_by as string,
    member: row.member as string,
    case: row.case_id as string,
    groups: fromStored<number[]>(row.groups),
    state: row.state as Delivery['state'],
    attempts: row.attempts as number,
    dueAt: row.due_at as number,
  }
}

export function receiptValues(number: number, r: Receipt): Values {
  return {
    register: number,
    record: r.record,
    role: r.role,
    authorisedBy: r.authorisedBy,
    sender: r.from,
    case: r.case,
    groups: JSON.stringify(r.groups),
    state: r.state,
    verdict: r.verdict && JSON.stringify(r.verdict),
  }
}

export function receiptOf(register: string, row: Row): Receipt {
  return {
    register,
    record: row.record as string,
    role: row.role as string,
    authorisedBy: row.authorised_by as string,
    from: row.sender as string,
    case: row.case_id as string,
    groups: fromStored<number[]>(row.groups),
    state: row.state as Receipt['state'],
    verdict: row.verdict === null ? null : fromStored<JsonObject>(row.verdict),
  }
}

export function caseValues(number: number, c: CaseSummary): Values {
  return {
    register: number,
    case: c.case,
    blueprint: c.blueprint,
    roles: JSON.stringify(c.roles),
    startedAt: c.startedAt,
    changedAt: c.changedAt,
    ended: c.ended ? 1 : 0,
    dueAt: c.dueAt,
  }
}

export function caseOf(register: string, row: Row): CaseSummary {
  return {
    register,
    case: row.case_id as string,
    blueprint: row.blueprint as string,
    roles: fromStored<string[]>(row.roles),
    startedAt: row.started_at as number,
    changedAt: row.changed_at as number,
    ended: row.ended === 1,
    dueAt: row.due_at as number | null,
  }
}

export function inboxItemValues(number: number, item: InboxItem): Values {
  return {
    register: number,
    case: item.case,
    kind: item.kind,
    step: item.step,
    role: item.role,
    prev: JSON.stringify(item.prev),
    record: item.record,
    dispute: item.dispute,
    since: item.since,
    due: item.due,
  }
}

/** No recall is the empty text: a key's columns are compared, and NULL equals nothing. */
export function owedErasureValues(number: number, owed: OwedErasure): Values {
  const { opened } = owed
  return {
    register: number,
    case: owed.case,
    recall: owed.recall ?? '',
    opened: opened === null ? null : Number(opened),
    dueAt: owed.dueAt,
  }
}

export function owedErasureOf(register: string, row: Row): OwedErasure {
  return {
    register,
    case: row.case_id as string,
    recall: row.recall === '' ? null : (row.recall as string),
    opened: row.opened === null ? null : row.opened === 1,
    dueAt: row.due_at as number,
  }
}

export function inboxItemOf(register: string, row: Row): InboxItem {
  return {
    register,
    case: row.case_id as string,
    kind: row.kind as InboxItem['kind'],
    step: row.step as string,
    role: row.role as string,
    prev: fromStored<string[]>(row.prev),
    record: row.record as string | null,
    dispute: row.dispute as string | null,
    since: row.since as number,
    due: row.due as number | null,
  }
}
