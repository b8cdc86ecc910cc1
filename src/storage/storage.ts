import type { JsonObject, JsonValue } from '../core/canonical-json.ts'
import type { ErrorDetail } from '../core/error.ts'

/** The end of a register as this node holds it. `root` is the RFC 6962 root in base64url, `time` the last leaf's time. */
export interface Head {
  term: number
  size: number
  root: string
  time: number
}

export interface StoredLeaf {
  leaf: string
  /** Entry id. */
  id: string
  /** The case that the entry belongs to, null for governance entries. */
  case: string | null
}

/** A hash tile's hashes from its left edge on, 32 bytes each, 256 hashes when full (C2SP tlog-tiles). */
interface StoredTile {
  level: number
  n: number
  hashes: Uint8Array
}

/** What one step of a register's life changes. All of it becomes durable together, or none of it. */
export interface LeafBatch {
  /** The head that this batch was computed on; null starts the register. Another head refuses the batch (RULES 34). */
  expected: { term: number; size: number } | null
  head: Head
  leaves: readonly StoredLeaf[]
  tiles: readonly StoredTile[]
  rows: ReadonlyMap<string, JsonValue>
  /** The checkpoint, as its log signed it, that this node is about to cosign over them; null where they come under a certificate. */
  cosigned: string | null
}

/** A checkpoint with a quorum of cosignatures, as a signed note. `boundary` ones are kept for ever (RULES 30, 35). */
export interface StoredCertificate {
  size: number
  note: string
  boundary: boolean
}

/** A signed entry of this member on its way to the register (RULES 26). Signed bytes never change once stored. */
export interface Submission {
  register: string
  /** Entry id. */
  id: string
  jws: string
  kind: string
  case: string | null
  iat: number
  /** Keyed hash of the caller's idempotency key: the same key gives the same submission for ever. */
  idempotency: string
  /** Keyed hash of the request, so that one idempotency key used for two requests is noticed. */
  request: string
  state: 'pending' | 'committed' | 'refused'
  index: number | null
  refusal: ErrorDetail | null
}

/** A sealed group held by this node: ciphertext, and its key wrapped under a vault key (RULES 25). Never a value in clear. */
export interface StoredGroup {
  register: string
  record: string
  index: number
  /** The role under which it is held: the signer's own, or the recipient's. */
  role: string
  case: string
  /** Id of the vault key in custody that wraps `wrappedKey`. */
  vaultKey: string
  wrappedKey: Uint8Array
  sealed: Uint8Array
}

/** What names a grant: one a record, recipient role and authorising entry (RULES 23). */
export interface GrantKey {
  record: string
  role: string
  authorisedBy: string
}

/** A grant that this member, as the record's signer, owes. Made anew at every attempt; never stored. */
export interface Delivery {
  register: string
  record: string
  role: string
  /** Id of the entry that authorises it (RULES 23). */
  authorisedBy: string
  /** The recipient. */
  member: string
  case: string
  groups: readonly number[]
  state: 'due' | 'acknowledged' | 'erased'
  attempts: number
  /** Unix seconds before which it is not tried again. */
  dueAt: number
}

/** A grant that this member is owed, and what became of it. */
export interface Receipt {
  register: string
  record: string
  role: string
  authorisedBy: string
  /** The record's signer. */
  from: string
  case: string
  groups: readonly number[]
  state: 'awaited' | 'opened' | 'erased'
  /** What the recipient's own check of the record said (RULES 27); null until opened. Names fields, holds no value. */
  verdict: JsonObject | null
}

/** An `erased` entry that this member owes the register (RULES 19, 25): one a case and recall, and one a case for its own erasures. */
export interface OwedErasure {
  register: string
  case: string
  /** The recall that it answers; null for an erasure of the member's own. */
  recall: string | null
  /** Whether a recalled group had been opened; null exactly where `recall` is. */
  opened: boolean | null
  /** Unix seconds before which it is not entered. */
  dueAt: number
}

/** What a recall takes from this node, and the fresh keys of what stays (RULES 19). */
export interface Closing {
  register: string
  case: string
  /** The groups that go. */
  closed: readonly Pick<StoredGroup, 'record' | 'role' | 'index'>[]
  /** Groups that stay, under another vault key. */
  renewed: readonly StoredGroup[]
  /** Vault keys under which no group may lie any more; they are destroyed next. */
  retired: readonly string[]
  /** Awaited receipts of which nothing will come. */
  receipts: readonly Receipt[]
  /** The answer. The first one that is kept stays. */
  owed: OwedErasure
}

/** What waits for this member: a step to take, a record to confirm, or a dispute to decide. */
export interface InboxItem {
  register: string
  case: string
  kind: 'act' | 'confirm' | 'resolve'
  /** That of the record, where one is to be confirmed or is in dispute. In the words of the case's version. */
  step: string
  role: string
  /** The entries that opened the step; empty where nothing is to be done at it. */
  prev: readonly string[]
  /** The record to confirm, or the one in dispute; null for a step to take. */
  record: string | null
  /** The dispute to decide; null for the others. */
  dispute: string | null
  /** Leaf time of the entry since which it waits. */
  since: number
  /** The last second of its deadline; null without one. */
  due: number | null
}

/** A case in which this member is bound to a role. */
export interface CaseSummary {
  register: string
  case: string
  blueprint: string
  roles: readonly string[]
  startedAt: number
  changedAt: number
  ended: boolean
  /** The last second of its earliest deadline that does something by itself (RULES 15 to 17); null where none runs. */
  dueAt: number | null
}

/** What the committed entries up to `cursor` mean for this member. The cursor moves in the same transaction. */
export interface Effects {
  register: string
  /** Every committed leaf below this index has had its effects. */
  cursor: number
  cases: readonly CaseSummary[]
  /** For each case in `cases`, all its inbox items: they replace those before. */
  inbox: readonly InboxItem[]
  deliveries: readonly Delivery[]
  receipts: readonly Receipt[]
}

export interface AccessToken {
  /** SHA-256 of the token, base64url: the token itself is never stored. */
  hash: string
  member: string
  name: string
  scopes: readonly string[]
}

/**
 * Everything that one member's node keeps, but keys. Not trusted with content: leaves are re-checked against tiles,
 * tiles against signed checkpoints, groups against records.
 * Every writing method is atomic, and durable once it resolves, also over a loss of power. Reads see every write that
 * has resolved. All methods may be called at the same time.
 */
export interface Storage {
  /**
   * Keeps what the node must know of a register before its first leaf (its sequencer's address, …), in place of what was kept.
   * Any other write to a register that was never saved makes it known with empty settings.
   */
  saveRegister(register: string, settings: JsonObject): Promise<void>
  registers(): Promise<{ register: string; settings: JsonObject }[]>

  findHead(register: string): Promise<Head | undefined>
  /** Throws STORAGE_HEAD_MOVED when the head is not `batch.expected`: compared in the writing transaction itself. */
  appendBatch(register: string, batch: LeafBatch): Promise<void>
  /**
   * Appends a batch in the place of the leaves from `batch.expected.size` on, which one of the sizes of `droppableSizes` is: rows and
   * tiles become again what they were at that size, then those of the batch. What is dropped is kept aside, until a certificate goes
   * beyond the batch (RULES 31). Throws STORAGE_HEAD_MOVED when the head is not `head`, or that size cannot be gone back to.
   */
  replaceLeaves(register: string, head: { term: number; size: number }, batch: LeafBatch): Promise<void>
  /** Sizes, falling, that batches began at and that can be gone back to: those of which no certificate covers the whole batch. */
  droppableSizes(register: string): Promise<number[]>
  /** The rows that have changed since a droppable size, as they were then; undefined for one that was not there. */
  rowsBefore(register: string, size: number): Promise<Map<string, JsonValue | undefined>>
  /** The checkpoint that this node cosigned last; null before. */
  findCosigned(register: string): Promise<string | null>
  saveCosigned(register: string, note: string): Promise<void>
  /** Leaves from `from` on, in order: at most `count`, fewer at the end. */
  readLeaves(register: string, from: number, count: number): Promise<string[]>
  findLeaf(register: string, id: string): Promise<{ index: number; leaf: string } | undefined>
  /** Every leaf that belongs to no case, in order: genesis, members, proposals, approvals. */
  readGovernance(register: string): Promise<{ index: number; leaf: string }[]>
  /** The widest tile known at this place. */
  findTile(register: string, level: number, n: number): Promise<Uint8Array | undefined>
  /** The rows that exist among `keys`. */
  readRows(register: string, keys: readonly string[]): Promise<Map<string, JsonValue>>
  /** The rows whose keys begin with `prefix` (ASCII), in key order. */
  rowsUnder(register: string, prefix: string): Promise<Map<string, JsonValue>>
  /** Every row, in key order (UTF-8): for replays and audits. Of one moment only if nothing is appended meanwhile. */
  allRows(register: string): AsyncIterable<[string, JsonValue]>
  /** The newest certificate. */
  findCertificate(register: string): Promise<StoredCertificate | undefined>
  boundaryCertificates(register: string): Promise<StoredCertificate[]>
  /** Does nothing when one of at least that size is kept already. A boundary is kept always, beside the newest. Sizes below it are droppable no more. */
  saveCertificate(register: string, certificate: StoredCertificate): Promise<void>

  saveDocument(hash: string, text: string): Promise<void>
  findDocument(hash: string): Promise<string | undefined>

  /**
   * Submissions with the groups that they seal; all or none. One that is kept already changes nothing; another one under
   * a used idempotency key throws SUBMISSION_CONFLICT.
   */
  saveSubmissions(items: readonly { submission: Submission; groups: readonly StoredGroup[] }[]): Promise<void>
  findSubmission(register: string, idempotency: string): Promise<Submission | undefined>
  /** In the order in which they were saved. */
  pendingSubmissions(register: string): Promise<Submission[]>
  /**
   * Ids that are not this member's are passed over. A refusal settles only what is pending, and the submission's groups
   * go with it; an index settles whatever the register says, also after a refusal.
   */
  settleSubmissions(
    register: string,
    outcomes: readonly ({ id: string; index: number } | { id: string; refusal: ErrorDetail })[],
  ): Promise<void>
  /**
   * A submission that expired unordered gives way, with its groups, to one newly signed under the same idempotency key.
   * Throws SUBMISSION_CONFLICT when `id` is not kept, or committed meanwhile.
   */
  replaceSubmission(id: string, submission: Submission, groups: readonly StoredGroup[]): Promise<void>

  /** 0 before the first effects. */
  effectsCursor(register: string): Promise<number>
  /** Deliveries and receipts that are kept already stay as they are. Effects behind the cursor change nothing. */
  saveEffects(effects: Effects): Promise<void>

  findCase(register: string, caseId: string): Promise<CaseSummary | undefined>
  /** Newest change first. */
  listCases(register: string, limit: number): Promise<CaseSummary[]>
  /** Cases of which `dueAt` is before `now`, longest due first. */
  dueCases(register: string, now: number, limit: number): Promise<CaseSummary[]>
  /** Longest waiting first. */
  listInbox(register: string, limit: number): Promise<InboxItem[]>

  /** The members to whom deliveries are due at `now`, sorted. */
  dueRecipients(register: string, now: number): Promise<string[]>
  /** Deliveries to one member due at `now`, longest due first: one recipient's backlog never hides another's. */
  dueDeliveries(register: string, due: { member: string; now: number; limit: number }): Promise<Delivery[]>
  /** Replaces each delivery's state, attempts and dueAt. Those not kept are passed over. */
  updateDeliveries(deliveries: readonly Delivery[]): Promise<void>
  caseDeliveries(register: string, caseId: string): Promise<Delivery[]>
  findDelivery(register: string, key: GrantKey): Promise<Delivery | undefined>

  findReceipt(register: string, key: GrantKey): Promise<Receipt | undefined>
  caseReceipts(register: string, caseId: string): Promise<Receipt[]>
  /** The members from whom something is awaited, sorted. */
  awaitedSenders(register: string): Promise<string[]>
  /** What is awaited from one member, longest first: one sender's silence never hides another's. */
  awaitedReceipts(register: string, awaited: { from: string; limit: number }): Promise<Receipt[]>
  /** Receipts as opened, with their groups, or as erased. One that is kept as opened or erased changes nothing, so a repeated delivery brings nothing back. */
  saveReceipts(items: readonly { receipt: Receipt; groups: readonly StoredGroup[] }[]): Promise<void>

  /** Replaces the verdicts of opened receipts. Those not kept as opened are passed over. */
  saveVerdicts(receipts: readonly Receipt[]): Promise<void>

  caseGroups(register: string, caseId: string): Promise<StoredGroup[]>
  recordGroups(register: string, record: string, role: string): Promise<StoredGroup[]>
  /**
   * Removes the groups whose vault keys are destroyed, and leaves no trace of them in file or journal. Opened receipts
   * that hold no group any more become `erased`. When a reader elsewhere keeps the journal busy it throws STORAGE_FAILED:
   * the groups are gone, the traces not yet; call it again.
   */
  eraseGroups(vaultKeys: readonly string[]): Promise<void>

  /**
   * What a recall changes; repeating it changes nothing. From then on saving a group under a retired vault key throws
   * VAULT_KEY_RETIRED, and so does this where one is there that neither goes nor stays: it came meanwhile, look again.
   */
  closeGroups(closing: Closing): Promise<void>
  /** All that were ever retired in a case. */
  retiredVaultKeys(register: string, caseId: string): Promise<string[]>
  /** Does nothing where the same one is kept, entered or not. */
  saveOwedErasure(owed: OwedErasure): Promise<void>
  /** Longest due first. */
  dueErasures(register: string, now: number, limit: number): Promise<OwedErasure[]>
  /** It is in the register, or will never be: it is not due again. */
  settleErasure(owed: OwedErasure): Promise<void>

  saveToken(token: AccessToken): Promise<void>
  findToken(hash: string): Promise<AccessToken | undefined>

  /** What waits is written first. Closing twice is closing once; nothing else may be called after it. */
  close(): Promise<void>
}
