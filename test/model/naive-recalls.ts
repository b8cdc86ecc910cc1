import type { NaiveCase } from './naive-case.ts'
import { naiveGrants } from './naive-grants.ts'
import type { NaiveMoment, NaiveRegister, WishOf } from './naive-register.ts'

type Kind = 'recall' | 'erased'

/** An accepted recall or erasure. */
export type RecallFact = { [K in Kind]: WishOf<K> & { id: string; index: number; time: number } }[Kind]
type Recall = Extract<RecallFact, { kind: 'recall' }>

/** RULES 19. */
export function* recallProblems(
  register: NaiveRegister,
  { whole }: NaiveMoment,
  { iss, claims }: WishOf<'recall'>,
): Generator<string> {
  for (const [id, groups] of Object.entries(claims.records)) {
    const record = whole.record(id)
    if (record === undefined) {
      yield 'RECORD_UNKNOWN'
      continue
    }
    if (record.iss !== iss || record.claims.as !== claims.as) yield 'RECALL_NOT_ALLOWED'
    const before = recallsOf(register, claims.case).flatMap((recall) => recall.claims.records[id] ?? [])
    if (groups.some((group) => before.includes(group))) yield 'RECALL_REPEATED'
    if (groups.some((group) => holdersOf(register, claims.case, id, [group]).every((member) => member === iss))) {
      yield 'RECALL_NOT_GRANTED'
    }
  }
}

/** RULES 19 and 25. */
export function* erasedProblems(
  register: NaiveRegister,
  { whole, picture }: NaiveMoment,
  { iss, claims }: WishOf<'erased'>,
): Generator<string> {
  const facts = register.recallFacts(claims.case)
  const recall = recallsOf(register, claims.case).find(({ id }) => id === claims.recall)
  if (claims.recall !== null && recall === undefined) return yield 'RECALL_UNKNOWN'
  const concerned = recall === undefined ? participants(whole, picture.roles) : recipientsOf(register, recall)
  if (!concerned.includes(iss)) yield 'ERASED_NOT_ALLOWED'
  const isSame = (fact: RecallFact) =>
    fact.kind === 'erased' && fact.iss === iss && fact.claims.recall === claims.recall
  if (facts.some(isSame)) yield 'ERASED_REPEATED'
}

/** What the row of a case's recalls says. */
export function saidByRecalls(register: NaiveRegister, caseId: string): object | undefined {
  const facts = register.recallFacts(caseId)
  if (facts.length === 0) return undefined
  return {
    recalls: recallsOf(register, caseId).map((recall) => {
      const { id, iss, index, time, claims } = recall
      const { as, reason, records } = claims
      return { id, as, iss, index, time, reason, records, recipients: recipientsOf(register, recall).sort() }
    }),
    erasures: facts.flatMap((fact) => {
      if (fact.kind !== 'erased') return []
      const { id, iss, index, time, claims } = fact
      return [{ id, iss, index, time, recall: claims.recall, opened: claims.opened }]
    }),
  }
}

export function recallsOf(register: NaiveRegister, caseId: string): Recall[] {
  return register.recallFacts(caseId).filter((fact) => fact.kind === 'recall')
}

/** Those before the recall only: later grants leave a recalled group out. */
function recipientsOf(register: NaiveRegister, { iss, index, claims }: Recall): string[] {
  const holders = Object.entries(claims.records).flatMap(([record, groups]) => {
    return holdersOf(register, claims.case, record, groups, index)
  })
  return [...new Set(holders)].filter((member) => member !== iss)
}

/** Whoever was granted one of the groups as the case stood after any of its entries before `until`. */
function holdersOf(
  register: NaiveRegister,
  caseId: string,
  record: string,
  groups: readonly number[],
  until = Number.MAX_SAFE_INTEGER,
): string[] {
  return register
    .moments(caseId)
    .filter(({ size }) => size <= until)
    .flatMap(({ whole }) => naiveGrants(whole))
    .filter((grant) => grant.record === record && grant.groups.some((group) => groups.includes(group)))
    .map(({ member }) => member)
}

function participants(whole: NaiveCase, roles: NaiveMoment['picture']['roles']): string[] {
  const bound = whole.records.flatMap(({ claims }) => Object.values(claims.bind).map(({ member }) => member))
  return [...whole.records.map(({ iss }) => iss), ...bound, ...Object.values(roles).map(({ member }) => member)]
}
