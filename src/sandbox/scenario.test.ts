import assert from 'node:assert/strict'
import { test } from 'node:test'
import { parseMembers } from './scenario.ts'

test('members come once each, and are run by a member', () => {
  const m = { id: 'm', name: 'M', voting: true }
  assert.deepEqual(parseMembers([m]), [m])
  assert.throws(() => parseMembers([m, m]), { code: 'INPUT_INVALID' })
  assert.throws(() => parseMembers([{ ...m, operator: 'n' }]), { code: 'INPUT_INVALID' })
})
