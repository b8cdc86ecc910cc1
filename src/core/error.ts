/** What every expected failure says: what was expected and what came, in words, and never a field's value, a key or a token. */
interface Facts {
  expected: string
  got: string
}

/** A place in a document or a request, as an RFC 6901 pointer. */
interface At {
  at: string
}

/**
 * The closed list of expected failures, each with its own facts besides `expected` and `got`.
 * A code is stable: callers, other nodes and docs/errors rely on it.
 */
interface ErrorFacts {
  // json
  JSON_INVALID: { offset: number }
  JSON_UTF8_INVALID: object
  JSON_DUPLICATE_KEY: { offset: number }
  JSON_KEY_FORBIDDEN: { offset: number }
  JSON_NUMBER_LOSES_DIGITS: { offset: number }
  JSON_TOO_DEEP: { limit: number }
  JSON_LONE_SURROGATE: { offset: number }
  JSON_TOO_LARGE: { limit: number }
  JSON_VALUE_INVALID: object
  JSON_NOT_CANONICAL: object
  BASE64URL_INVALID: object

  // crypto
  KEY_INVALID: object
  SIGNATURE_INVALID: object
  JWS_INVALID: object
  HPKE_NOT_OPENED: object

  // record
  SD_JWT_INVALID: object
  DISCLOSURE_INVALID: object
  DISCLOSURE_REPEATED: object
  DISCLOSURE_NOT_REFERENCED: object
  DISCLOSURE_NAME_TAKEN: object
  GROUP_NOT_OPENED: { group: number }
  GROUP_INVALID: { group: number }
  GROUP_COMMITMENT_MISMATCH: { group: number }
  RECORD_INVALID: object
  GRANT_INVALID: object
  GRANT_NOT_OPENED: object

  // tlog
  BASE64_INVALID: object
  PROOF_INCLUSION_INVALID: { index: number; size: number }
  PROOF_CONSISTENCY_INVALID: { oldSize: number; size: number }
  TILE_MISSING: { level: number; n: number }
  TILE_PATH_INVALID: object
  BUNDLE_INVALID: object
  NOTE_INVALID: object
  NOTE_KEY_INVALID: object
  NOTE_SIGNATURE_INVALID: { name: string; keyId: string }
  NOTE_SIGNER_UNKNOWN: object
  CHECKPOINT_INVALID: object
  COSIGNATURE_INVALID: object
  TLOG_PROOF_INVALID: object
  ADD_CHECKPOINT_INVALID: object
  CERTIFICATE_ORIGIN_MISMATCH: object
  CERTIFICATE_NOT_SIGNED_BY_LOG: object
  CERTIFICATE_QUORUM_MISSING: { cosigners: number; quorum: number }
  EVIDENCE_FORMAT_INVALID: At
  EVIDENCE_REGISTER_MISMATCH: object
  EVIDENCE_CHECKPOINT_INVALID: object
  EVIDENCE_TERM_UNKNOWN: object
  EVIDENCE_NOT_INCLUDED: { index: number }
  EVIDENCE_ENTRY_INVALID: { index: number }
  EVIDENCE_GENESIS_INVALID: object
  EVIDENCE_MEMBER_INVALID: { index: number }
  EVIDENCE_HISTORY_INVALID: { index: number }
  EVIDENCE_CERTIFICATE_MISSING: { size: number }
  EVIDENCE_CERTIFICATE_INVALID: { size: number }
  EVIDENCE_INCONSISTENT: { size: number }
  EVIDENCE_NOT_A_RECORD: { kind: string }
  EVIDENCE_SIGNER_MISMATCH: { index: number }
  EVIDENCE_REVOCATION_INVALID: { index: number }
  EVIDENCE_RECALL_INVALID: { index: number }
  EVIDENCE_SIGNATURE_INVALID: { index: number }
  EVIDENCE_DISCLOSURE_INVALID: object
  EVIDENCE_GROUP_INVALID: { group: number }

  // entry and rules
  LEAF_INVALID: object
  LEAF_TOO_LARGE: { limit: number }
  LEAF_TIME_DECREASES: { previous: number; time: number }
  ENTRY_INVALID: object
  ENTRY_TOO_LARGE: { limit: number }
  HEADER_INVALID: At
  CLAIM_INVALID: At
  KIND_UNKNOWN: object
  KIND_NOT_BUILT: { kind: string }
  PERSON_KEY_NOT_BUILT: object
  PROPOSAL_NOT_BUILT: { type: string }
  SKELETON_INVALID: At
  CALENDAR_EXCEEDED: { from: string; to: string }
  KEY_NOT_VALID: { use: string }
  RULES_VERSION_UNKNOWN: { version: number }
  RULES_VERSION_DIFFERS: { inForce: number }
  REGISTER_EXISTS: object
  REGISTER_UNKNOWN: object
  REGISTER_DIFFERS: object
  ENTRY_EXPIRED: { iat: number; time: number }
  ENTRY_FROM_FUTURE: { iat: number; time: number }
  JTI_USED: object
  SIGNER_UNKNOWN: object
  SIGNER_NOT_IN_STANDING: { standing: string }
  REVOKE_NOT_ALLOWED: object
  FORK_INVALID: object
  STATEMENT_INVALID: object
  HANDOVER_TERM_OLD: { term: number }
  HANDOVER_START_DIFFERS: { size: number }
  HANDOVER_QUORUM_MISSING: { statements: number; quorum: number }
  HANDOVER_CONTRADICTED: { size: number }
  KEY_REVOKED: { use: string }
  SIGNER_OBSERVES: object
  FOUNDING_NOT_COMPLETE: { missing: string[] }
  MEMBER_ID_DIFFERS: object
  MEMBER_NOT_ADMITTED: object
  MEMBER_KNOWN: object
  MEMBER_DIFFERS_FROM_ADMISSION: At
  MEMBER_CHANGE_NOT_ALLOWED: At
  MEMBER_KEYS_MISSING: { use: string }
  KEY_REUSED: { use: string }
  OPERATOR_UNKNOWN: object
  SEQUENCER_NOT_OPERATING: object
  REGISTER_WITHOUT_OPERATOR: object
  PROPOSAL_UNKNOWN: object
  PROPOSAL_EXPIRED: { expires: number; time: number }
  PROPOSAL_CLOSED: object
  PROPOSAL_TARGET_DIFFERS: object
  APPROVAL_REPEATED: object
  APPROVAL_NOT_COUNTED: object
  ROLE_NOT_OPEN: { role: string }
  BLUEPRINT_ALREADY_PROPOSED: object
  BLUEPRINT_MEMBER_UNKNOWN: { role: string }
  BLUEPRINT_UNKNOWN: object
  BLUEPRINT_NOT_LIVE: { missing: string[] }
  CASE_UNKNOWN: object
  CASE_ENDED: object
  CASE_BLUEPRINT_DIFFERS: object
  /** `step` where an entry names it. */
  STEP_UNKNOWN: { step?: string }
  STEP_NOT_OPEN: { step: string; open: string[] }
  PREV_NOT_OPEN: { step: string }
  OPENING_USED: { step: string }
  OPENING_WAITS: { step: string; disputed: string[] }
  NEXT_NOT_ALLOWED: { step: string }
  ROLE_NOT_OF_STEP: { role: string; step: string }
  ROLE_UNBOUND: { role: string }
  SIGNER_NOT_BOUND_TO_ROLE: { role: string }
  START_ROLE_NOT_BOUND: { role: string }
  BIND_NOT_ALLOWED: { role: string }
  ROLE_ALREADY_BOUND: { role: string }
  ROLE_NOT_ELIGIBLE: { role: string }
  ROLES_NOT_DISTINCT: { roles: string[] }
  GROUP_COUNT_WRONG: { count: number }
  DIGEST_COUNT_WRONG: { count: number }
  RECORD_UNKNOWN: object
  DISPUTE_NOT_ALLOWED: { step: string }
  DISPUTE_BY_SIGNER: object
  DISPUTE_NOT_ENTITLED: { role: string }
  DISPUTE_REPEATED: { role: string }
  DISPUTE_TOO_LATE: { until: number; time: number }
  DISPUTE_UNKNOWN: object
  DISPUTE_ENDED: object
  RECORD_VOID: object
  RECORD_REPLACED: object
  REPLACES_NOT_ALLOWED: { step: string }
  CORRECTION_NOT_OPEN: { step: string }
  CORRECTION_UNKNOWN: object
  SETTLEMENT_TOO_LATE: object
  RESOLVE_NOT_ALLOWED: { role: string }
  REVIEW_BY_FIRST_DECIDER: { step: string }
  REVIEW_TOO_LATE: { until: number; time: number }
  CASE_NOT_ENDED: { step: string }
  CASE_NOT_MAPPED: { step: string }
  MAPPING_INVALID: { step: string }
  CONFIRM_BY_SIGNER: object
  CONFIRM_NOT_OPEN: { role: string }
  CONFIRM_WAITS: object
  /** `step` where an opening is to lapse. */
  LAPSE_NOT_ALLOWED: { step?: string }
  LAPSE_TOO_EARLY: { due: number; time: number }
  EXTEND_NOT_ALLOWED: { step: string }
  EXTEND_OUTSIDE_LIMIT: { due: number; limit: number }
  ROLE_SUSPENDED: { role: string }
  SUSPEND_NOT_OWN_ROLE: { role: string }
  SUSPEND_CHANGES_NOTHING: { role: string }
  RECALL_NOT_ALLOWED: { role: string }
  RECALL_NOT_GRANTED: object
  RECALL_REPEATED: object
  RECALL_UNKNOWN: object
  ERASED_NOT_ALLOWED: object
  ERASED_REPEATED: object

  // blueprint
  BLUEPRINT_INVALID: At
  BLUEPRINT_REFERENCE_UNKNOWN: At & { name: string }
  BLUEPRINT_IS_TEMPLATE: At & { role: string }
  SCHEMA_INVALID: At
  SCHEMA_KEYWORD_REFUSED: At & { keyword: string }
  SCHEMA_PATTERN_INVALID: At
  SCHEMA_TOO_LARGE: At & { limit: number }
  FIELD_INVALID: At & { keyword: string; fields: { at: string; keyword: string; expected: string }[] }
  DATA_TOO_LARGE: { limit: number }
  RULE_INVALID: { operator: string }
  RULE_OPERATOR_UNKNOWN: { operator: string }
  RULE_INPUT_MISSING: { input: string }
  RULE_INPUT_HIDDEN: { input: string }
  RULE_TYPE_WRONG: { operator: string }
  RULE_NOT_A_NUMBER: { operator: string }
  RULE_TOO_LONG: { limit: number }
  RULE_TOO_DEEP: { limit: number }
  RULE_RESULT_TOO_LARGE: { limit: number }
  STEP_NOT_YOUR_ROLE: { step: string; role: string }
  CALCULATION_DIFFERS: At
  CALCULATION_RESULT_INVALID: At
  ROUTE_NOT_FOUND: { step: string }
  EXPLANATION_MISSING: At
  BIND_ROLE_TAKEN: At & { role: string }
  BIND_MEMBERS_NOT_DISTINCT: At & { role: string; other: string }
  SCENARIO_INVALID: At & { file: string }
  IMPORT_FORMAT_UNKNOWN: At
  IMPORT_INVALID: At
  IMPORT_TOO_LARGE: At & { limit: number }
  IMPORT_TEMPLATE_INVALID: At
  IMPORT_TEMPLATE_OPERATOR_UNKNOWN: At & { operator: string }

  // audit
  AUDIT_LEAF_ALTERED: { index: number }
  AUDIT_LEAF_MISSING: { index: number }
  AUDIT_LEAF_REFUSED: { index: number; reason: string }
  AUDIT_TILE_ALTERED: { level: number; n: number }
  AUDIT_HEAD_DIFFERS: { size: number }
  AUDIT_ROW_DIFFERS: { key: string }
  AUDIT_CHECKPOINT_MISSING: object
  AUDIT_CHECKPOINT_REFUSED: { size: number; reason: string }
  AUDIT_CHECKPOINT_DIFFERS: { size: number }

  // storage and custody
  STORAGE_HEAD_MOVED: object
  /** `sqlite`: the database's extended result code; null where stored text is not what was stored. */
  STORAGE_FAILED: { sqlite: number | null }
  STORAGE_VERSION_UNKNOWN: { version: number }
  SUBMISSION_CONFLICT: object
  VAULT_KEY_RETIRED: object
  CUSTODY_EXISTS: object
  CUSTODY_MISSING: object
  CUSTODY_PASSPHRASE_WRONG: object
  CUSTODY_INVALID: object
  CUSTODY_FAILED: { sqlite: number | null }
  KEY_UNKNOWN: object
  VAULT_ITEM_INVALID: object
  ERASED: object

  // ordering and node
  MEMBER_UNKNOWN: object
  REGISTER_NOT_FOUNDED: object
  MEMBER_WITHOUT_ADDRESS: object
  DOCUMENT_MISSING: object
  DOCUMENT_ALTERED: object
  SKELETON_NOT_OF_DOCUMENT: object
  BLUEPRINT_NOT_SOUND: At & { errors: readonly { code: string; at: string; message: string }[] }
  FIELD_NOT_HELD: At
  SUBJECT_UNKNOWN: object
  RETENTION_UNKNOWN: object
  GRANT_NOT_AUTHORISED: object
  EPOCH_KEY_MISSING: object
  IDEMPOTENCY_KEY_REUSED: object
  ORDERING_UNAVAILABLE: object
  NOT_THE_SEQUENCER: object
  REGISTER_HALTED: { index: number }
  LEAF_TIME_OUTSIDE_WINDOW: object
  LEAVES_NOT_OF_CHECKPOINT: object
  BOUNDARY_NOT_CERTIFIED: object
  CHECKPOINT_FORKED: object
  CERTIFIED_LEAVES_DROPPED: { size: number }
  TERM_ENDED: { term: number }
  ENTRY_OMITTED: object
  HANDOVER_NOT_POSSIBLE: object

  // api, server, client, cli
  INPUT_INVALID: At
  INPUT_FIELD_UNKNOWN: At
  INPUT_FIELD_MISSING: At
  INPUT_TYPE_WRONG: At
  INPUT_TOO_LONG: At & { limit: number }
  BODY_TOO_LARGE: { limit: number }
  MEDIA_TYPE_UNSUPPORTED: object
  NOT_FOUND: object
  NODE_UNKNOWN: object
  IDEMPOTENCY_KEY_INVALID: object
  TOKEN_MISSING: object
  TOKEN_UNKNOWN: object
  SCOPE_MISSING: { scope: string }
  REQUEST_SIGNATURE_MISSING: object
  REQUEST_SIGNATURE_INVALID: object
  REQUEST_SIGNER_UNKNOWN: object
  REQUEST_REPLAYED: object
  CONTENT_DIGEST_INVALID: object
  CLOCK_SKEW: { limitSeconds: number }
  OVERLOADED: object
  INTERNAL: object
  COMMAND_UNKNOWN: object
  OPTION_UNKNOWN: object
  OPTION_MISSING: { option: string }
  OPTION_INVALID: { option: string }
  ARGUMENTS_WRONG: object
  SYSTEM_REFUSED: { call: string; where: string }
  FILE_UNREADABLE: { file: string }
  CONNECTION_INCOMPLETE: object
  SANDBOX_IN_USE: object
  ADDRESS_REFUSED: object
  REMOTE_UNREACHABLE: object
  REMOTE_FAILED: { status: number; remoteCode: string | null }
  REMOTE_RESPONSE_INVALID: At
  RESPONSE_MISMATCH: At
  LEAF_ALTERED: { index: number }
  CHECKPOINT_OLDER: { size: number; knownSize: number }
}

export type ErrorCode = keyof ErrorFacts
export type ErrorDetail = { [C in ErrorCode]: { code: C } & Facts & ErrorFacts[C] }[ErrorCode]

/** An expected failure. A bug is an AssertionError instead and never reaches a caller as one of these. */
export class ConcordatError extends Error {
  readonly code: ErrorCode
  readonly detail: ErrorDetail

  constructor(detail: ErrorDetail, options?: ErrorOptions) {
    super(`${detail.code}: expected ${detail.expected}, got ${detail.got}`, options)
    this.name = 'ConcordatError'
    this.code = detail.code
    this.detail = detail
  }
}
