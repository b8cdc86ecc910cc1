import assert from 'node:assert/strict'
import { caseAsOf } from '../../src/core/ledger/case-as-of.ts'
import { findRecalls, type Rows } from '../../src/core/ledger/state.ts'
import type { BuiltMember, RegisterBuilder } from '../register-builder.ts'
import { saidByModel, saidByRow } from './compare-case.ts'
import { saidByRecalls } from './naive-recalls.ts'
import type { NaiveRegister, Wish } from './naive-register.ts'
import { refusalsOf } from './naive-rules.ts'
import { RandomRegister } from './random-register.ts'
import { RandomSource } from './random-source.ts'

/** How often what happened: a model test that never gets far proves nothing. */
export type Tally = Map<string, number>

/** Fails where ledger and model disagree on the sequence of this seed. */
export async function playSequence(
  seed: number,
  founded: RegisterBuilder,
  members: readonly BuiltMember[],
  tally: Tally,
): Promise<void> {
  const random = new RandomSource(seed)
  const register = new RandomRegister(random, founded.fork(), members)
  await register.proposeFirst()
  for (let left = random.between(20, 60); left > 0; left--) {
    register.passTime()
    if (random.chance(0.05)) await register.proposeNext()
    if (random.chance(0.05)) await register.accede()
    await playEntry(register, register.nextWish(), tally)
    verifyPast(random, register)
  }
}

async function playEntry(register: RandomRegister, wish: Wish, tally: Tally): Promise<void> {
  const { builder, model } = register
  const expected = refusalsOf(model, wish, builder.time + 1)
  const before = new Map(builder.rows)
  const answer = await register.enter(wish)
  const said = 'code' in answer ? answer.code : 'accepted'
  if (expected.length === 0) assert.equal(said, 'accepted', `model accepts ${text(wish)}`)
  else assert.ok(expected.includes(said), `model refuses with ${expected.join()}, ledger ${said}: ${text(wish)}`)
  if (!('id' in answer)) {
    count(tally, [`refused ${answer.code}`])
    return verifySame(before, builder.rows)
  }
  register.accept(wish, answer.id)
  count(tally, [`accepted ${wish.kind}`])
  if (wish.kind === 'suspend') return
  assert.deepEqual(findRecalls(builder.rows, wish.claims.case), saidByRecalls(model, wish.claims.case), text(wish))
  if (wish.kind === 'recall' || wish.kind === 'erased') return
  count(tally, happened(model, wish.claims.case))
  const row = builder.caseRow(wish.claims.case)
  assert.deepEqual(
    saidByRow(row, model.skeleton(row.bp)),
    saidByModel(model.now(wish.claims.case)!),
    `row (actual) against model after ${text(wish)}`,
  )
}

function count(tally: Tally, what: readonly string[]): void {
  for (const item of what) tally.set(item, (tally.get(item) ?? 0) + 1)
}

/** What was special about the newest entry of a case. */
function happened(model: NaiveRegister, caseId: string): string[] {
  const [now, before] = model.moments(caseId).toReversed()
  const { whole, picture } = now!
  const fact = whole.facts.at(-1)!
  const voids = [...whole.voids()].filter(([, by]) => by === fact).length
  const is: { [what: string]: boolean } = {
    moves: before !== undefined && before.picture.bp !== picture.bp,
    corrects: whole.isCorrection(fact),
    withdraws: whole.isWithdrawal(fact),
    redirects: whole.redirects(fact) !== undefined,
    joins: picture.openings.some(({ prev, since }) => prev.length > 1 && since === fact.time),
    'asks for a review': whole.isRequest(fact),
    'decides a review': fact.kind === 'action+sd-jwt' && whole.reviewed(fact) !== undefined,
    'opens again what was closed': picture.openings.some(
      ({ prev, since }) => since === fact.time && !prev.includes(fact.id),
    ),
    'makes five or more void': voids > 4,
    [`outcome ${whole.outcome(fact)?.outcome}`]: whole.outcome(fact) !== undefined,
    [`refuses by ${fact.kind}`]: whole.refused(fact) !== undefined,
  }
  return Object.keys(is).filter((what) => is[what])
}

/** Rows are frozen: the same rows are unchanged ones. */
function verifySame(before: Rows, after: Rows): void {
  assert.equal(after.size, before.size)
  for (const [key, row] of after) assert.equal(row, before.get(key), `refused, row ${key} unchanged`)
}

/** Some case as some earlier leaf left it. */
function verifyPast(random: RandomSource, { builder, model }: RandomRegister): void {
  if (model.caseIds.length === 0 || !random.chance(0.3)) return
  const caseId = random.pick(model.caseIds)
  const moment = random.pick(model.moments(caseId))
  const row = builder.caseRow(caseId)
  const past = caseAsOf(row, model.skeleton(row.bp), moment.size)
  assert.deepEqual(saidByRow(past, model.skeleton(past.bp)), saidByModel(moment), `case as of ${moment.size}`)
}

function text(wish: Wish): string {
  const short = { ...wish.claims, groups: undefined, _sd: undefined, explanation: undefined }
  return `${wish.kind} by ${wish.iss}: ${JSON.stringify(short)}`
}
