/**
 * Every operation of a node, asked wrongly over real HTTP: each answer has its own code, what was expected and what came, and no
 * value that was sent; nothing is written at any node.
 */
import assert from 'node:assert/strict'
import { test } from 'node:test'
import { errorStatus } from '../../src/api/error-status.ts'
import { type RouteName, routes } from '../../src/api/routes.ts'
import { actRows } from './bad-input-acts.ts'
import { entryRows, exchangeRows } from './bad-input-between-nodes.ts'
import { type BadInputNetwork, openBadInputNetwork, type Sent } from './bad-input-network.ts'
import { CANARY, commonRows, type Row, sendValid, statementFor, validRequests } from './bad-input-rows.ts'
import { blueprintRows, dataRows, requestRows } from './bad-input-specials.ts'

const NO_INPUT: RouteName[] = ['getHealth', 'getOpenApi']

test('bad input', async (t) => {
  const at = await openBadInputNetwork(t)
  const note = (await at.member('council').node.logCheckpoint(at.network.register))!
  const valid = validRequests(at, note, await statementFor(at))
  assert.deepEqual(
    [...NO_INPUT, ...valid.map(({ route }) => route)].toSorted(),
    Object.keys(routes).toSorted(),
    'every operation is in the table',
  )
  const rows: Row[] = []
  for (const request of valid) rows.push(...(await commonRows(at, request)))
  rows.push(...requestRows(at, valid), ...dataRows(at, valid), ...blueprintRows(at, valid), ...actRows(at, valid))
  rows.push(...(await entryRows(at, valid)), ...(await exchangeRows(at, note)))

  const before = at.content.digest()
  let stored = before
  for (const row of rows) {
    await t.test(`${row.what}: ${row.code}`, async () => {
      const sent = await row.send()
      assertRefused(row, sent)
      const after = at.content.digest()
      const earlier = stored
      stored = after
      assert.equal(after, earlier, 'nothing is written')
    })
  }

  await t.test('nothing of it is in a log line', () => {
    assert(at.logged.length > rows.length)
    for (const line of at.logged) assert(!line.includes(CANARY), line)
  })
  await t.test('every node goes on', () => assertWorking(at, valid))
})

function assertRefused(row: Row, sent: Sent): void {
  assert(!sent.body.includes(CANARY), `what was sent is not repeated: ${sent.body}`)
  if (row.inside === 'witness') {
    assert.equal(sent.body, `${row.code}\n`)
    assert.equal(sent.type, 'text/plain')
    assert(sent.status >= 400)
    return
  }
  const answer = JSON.parse(sent.body)
  const facts = row.inside === undefined ? answer.facts : answer[row.inside]?.[0]?.refusal
  const code = row.inside === undefined ? answer.code : facts?.code
  assert.equal(code, row.code, sent.body)
  assert.equal(sent.status, row.inside === undefined ? errorStatus[row.code] : 200)
  if (row.inside === undefined) assert.equal(sent.type, 'application/problem+json')
  assert(typeof facts.expected === 'string' && facts.expected !== '', 'what was expected')
  assert(typeof facts.got === 'string' && facts.got !== '', 'what came')
  if (row.at !== undefined) assert.equal(facts.at, row.at)
  if (row.finding !== undefined) assert.equal(facts.errors?.[0]?.code, row.finding, sent.body)
}

/** Each valid request is taken, so none of the rows was refused for a reason that it shares with the valid one. */
async function assertWorking(at: BadInputNetwork, valid: ReturnType<typeof validRequests>): Promise<void> {
  for (const request of valid) {
    // A node that orders the register cosigns for nobody, and this delivery was made up.
    if (request.route === 'addCheckpoint') continue
    const { status, body } = await sendValid(at, request, {}, {})
    assert.equal(status, routes[request.route].response.status, `${request.route}: ${body}`)
  }
}
