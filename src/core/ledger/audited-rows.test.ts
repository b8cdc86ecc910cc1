import assert from 'node:assert/strict'
import { it } from 'node:test'
import { AuditedRows } from './audited-rows.ts'

it('gives back rows of cases, packed or not, and knows them whatever the order of their keys', () => {
  const rows = new AuditedRows()
  const row = (i: number) => ({ bp: `blueprint ${i}`, records: [{ id: 'a', index: i }], ended: false })
  rows.set('register', { id: 'r' })
  for (let i = 0; i < 45_000; i++) rows.set(`case/${i}`, row(i))
  rows.set('case/7', row(70))
  assert.equal(rows.size, 45_001)
  assert.equal([...rows.keys()].length, 45_001)
  for (const i of [0, 19_999, 20_001, 44_999]) {
    const { bp, records, ended } = row(i)
    assert.deepEqual(rows.get(`case/${i}`), row(i))
    assert(rows.holds(`case/${i}`, row(i)))
    assert(rows.holds(`case/${i}`, { ended, records, bp }))
    assert(!rows.holds(`case/${i}`, row(i + 1)))
    assert(!rows.holds(`case/${i}`, { bp, records, ended, more: null }))
    assert(!rows.holds(`case/${i}`, { bp, records: [...records, ...records], ended }))
  }
  assert.deepEqual(
    rows.pick(['case/7', 'register', 'case/none']),
    new Map<string, object>([
      ['case/7', row(70)],
      ['register', { id: 'r' }],
    ]),
  )
  assert(!rows.holds('case/none', row(1)))
})
