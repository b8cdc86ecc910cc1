import type { Text } from './blueprint.ts'

/** Stops publication. Codes that start with SCHEMA_, RULE_ or SKELETON_ are those of the refusal itself. */
export type BlueprintErrorCode =
  | 'BIND_FIELD_NOT_TEXT'
  | 'BIND_ROLE_BOUND_ALREADY'
  | 'BIND_ROLE_UNUSED'
  | 'CALCULATION_ORDER'
  | 'ADVERSE_WITHOUT_EXPLANATION'
  | 'ADVERSE_WITHOUT_HUMAN_DECISION'
  | 'ADVERSE_WITHOUT_REVIEW'
  | 'BASIS_MISSING'
  | 'DEAD_END'
  | 'DISCLOSURE_STEP_NEVER_BEFORE'
  | 'DISCLOSURE_TO_SIGNER'
  | 'DISPUTE_RESOLVER_IS_SIGNER'
  | 'DISPUTE_WITHOUT_DEFAULT'
  | 'DISPUTE_WITHOUT_RESOLVER'
  | 'FIELD_UNKNOWN'
  | 'ID_NOT_UNIQUE'
  | 'JUSTIFICATION_MISSING'
  | 'LOOP_WITHOUT_EXIT'
  | 'NOT_BUILT'
  | 'PERSON_NOT_SERVED'
  | 'PURPOSE_MISSING'
  | 'RETENTION_CONFLICT'
  | 'RETENTION_REASON_MISSING'
  | 'RETENTION_UNKNOWN'
  | 'ROLE_NEVER_BOUND'
  | 'ROLE_NOT_FIXED_OR_OPEN'
  | 'ROLE_UNKNOWN'
  | 'ROUTE_NEVER_TAKEN'
  | 'RULE_READS_LATER_STEP'
  | 'RULE_READS_UNSEEN'
  | 'SPECIAL_WITHOUT_CONDITION'
  | 'STEP_UNKNOWN'
  | 'STEP_UNREACHABLE'
  | 'SUBJECT_UNKNOWN'
  | 'WITHDRAWAL_ROUTED'
  | `SCHEMA_${string}`
  | `RULE_${string}`
  | `SKELETON_${string}`

/** Approvers see it and accept it by name. */
type BlueprintWarningCode =
  | 'FIELD_SEEN_BY_EVERYBODY'
  | 'FIELD_SEEN_BY_NOBODY'
  | 'PATH_TELLS_OUTCOME'
  | 'ROLE_MAY_BE_UNBOUND'
  | 'RULE_INPUT_MAY_BE_HIDDEN'
  | 'RULE_INPUT_MAY_BE_MISSING'
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
