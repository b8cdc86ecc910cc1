import type { Text } from './blueprint.ts'

/** Stops publication. Codes that start with SCHEMA_, RULE_ or SKELETON_ are those of the refusal itself. */
export type BlueprintErrorCode =
  | 'ADVERSE_WITHOUT_EXPLANATION'
  | 'ADVERSE_WITHOUT_HUMAN_DECISION'
  | 'ADVERSE_WITHOUT_REVIEW'
  | 'BASIS_MISSING'
  | 'BIND_FIELD_NOT_TEXT'
  | 'BIND_ROLE_BOUND_ALREADY'
  | 'BIND_ROLE_UNUSED'
  | 'CALCULATION_ORDER'
  | 'CALENDAR_TOO_SHORT'
  | 'CALENDAR_UNKNOWN'
  | 'CONFIRM_BY_SIGNER'
  | 'CONFIRM_WITHOUT_DEFAULT'
  | 'DEAD_END'
  | 'DISCLOSURE_STEP_NEVER_BEFORE'
  | 'DISCLOSURE_TO_SIGNER'
  | 'DISPUTE_RESOLVER_IS_SIGNER'
  | 'DISPUTE_WITHOUT_DEFAULT'
  | 'DISPUTE_WITHOUT_RESOLVER'
  | 'EXTEND_LIMIT_SHORT'
  | 'EXTEND_WITHOUT_DEADLINE'
  | 'FIELD_UNKNOWN'
  | 'FORM_HIDES_REQUIRED'
  | 'FORM_RULE_READS_ELSEWHERE'
  | 'ID_NOT_UNIQUE'
  | 'JOIN_MAY_STARVE'
  | 'JOIN_SOURCE_NEVER_ARRIVES'
  | 'JUSTIFICATION_MISSING'
  | 'LAPSE_WITHOUT_DEADLINE'
  | 'LOOP_WITHOUT_EXIT'
  | 'PERSON_NOT_SERVED'
  | 'PROCESS_TOO_COMPLEX'
  | 'PURPOSE_MISSING'
  | 'RETENTION_CONFLICT'
  | 'RETENTION_REASON_MISSING'
  | 'RETENTION_UNKNOWN'
  | 'REVIEW_DECIDER_IS_FIRST'
  | 'REVIEW_DECIDE_UNREACHABLE'
  | 'REVIEW_MISSES_RECIPIENT'
  | 'REVIEW_REQUEST_ROUTED'
  | 'REVIEW_REQUEST_WITH_PARTS'
  | 'ROLE_MAY_BE_UNBOUND'
  | 'ROLE_NEVER_BOUND'
  | 'ROLE_NOT_FIXED_OR_OPEN'
  | 'ROLE_UNKNOWN'
  | 'ROUTES_CLOSE_DIFFERENTLY'
  | 'ROUTE_NEVER_TAKEN'
  | 'RULE_READS_LATER_STEP'
  | 'RULE_READS_UNSEEN'
  | 'SPECIAL_WITHOUT_CONDITION'
  | 'STEP_OPEN_TWICE'
  | 'STEP_UNKNOWN'
  | 'STEP_UNREACHABLE'
  | 'SUBJECT_UNKNOWN'
  | 'WITHDRAWAL_ROUTED'
  | 'WITHDRAWAL_WITH_PARTS'
  | `SCHEMA_${string}`
  | `RULE_${string}`
  | `SKELETON_${string}`

/** Approvers see it and accept it by name. */
type BlueprintWarningCode =
  | 'FIELD_SEEN_BY_EVERYBODY'
  | 'FIELD_SEEN_BY_NOBODY'
  | 'LAPSE_AGAINST_PERSON'
  | 'PATH_TELLS_OUTCOME'
  | 'SELF_ASSERTED_DECISION'

interface Problem<Code> {
  code: Code
  /** RFC 6901 pointer into the document. */
  at: string
  /** What is wrong and how to mend it. */
  message: string
}

export type BlueprintError = Problem<BlueprintErrorCode>
export type BlueprintWarning = Problem<BlueprintWarningCode>

export function isBlank(words: Text | undefined): boolean {
  const english = typeof words === 'string' ? words : words?.en
  return english === undefined || english.trim() === ''
}
