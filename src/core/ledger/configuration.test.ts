import assert from 'node:assert/strict'
import { test } from 'node:test'
import fc from 'fast-check'
import { type CheckpointKeys, findConfiguration, type OperatingMember, operatorsOf, quorumOf } from './configuration.ts'

const keys: CheckpointKeys = {
  ed25519: { kty: 'OKP', crv: 'Ed25519', x: '' },
  mldsa44: { kty: 'AKP', alg: 'ML-DSA-44', pub: '' },
}

function member(id: string, changes: Partial<OperatingMember>): OperatingMember {
  return { id, voting: true, operator: id, standing: 'in', checkpoint: keys, ...changes }
}

test('the quorum of one to ten operators (RULES 7)', () => {
  const quorums = [1, 2, 3, 4, 5, 6, 7, 8, 9, 10].map(quorumOf)
  assert.deepEqual(quorums, [1, 2, 2, 3, 4, 4, 5, 6, 6, 7])
})

test('any two quorums share more operators than may be faulty, and the sound ones reach one', () => {
  fc.assert(
    fc.property(fc.integer({ min: 1, max: 1_000_000 }), (n) => {
      const faulty = Math.floor((n - 1) / 3)
      const quorum = quorumOf(n)
      assert.ok(2 * quorum - n > faulty)
      assert.ok(quorum <= n - faulty)
    }),
    { numRuns: 1000 },
  )
})

test('operators are counted once, by the voting members in standing that they run (RULES 6)', () => {
  const members = [
    member('host', {}),
    member('a', { operator: 'host', checkpoint: null }),
    member('b', { operator: 'host', checkpoint: null }),
    member('observer', { voting: false }),
    member('runs-for-another', { voting: false }),
    member('c', { operator: 'runs-for-another', checkpoint: null }),
    member('removed', { standing: 'removed' }),
    member('suspended', { standing: 'suspended' }),
    member('without-keys', { checkpoint: null }),
    member('hosted', { operator: 'without-keys' }),
    member('hosted-by-hosted', { operator: 'hosted', checkpoint: null }),
  ]
  assert.deepEqual(
    operatorsOf(members).map((operator) => operator.member),
    ['host', 'runs-for-another'],
  )
})

test('the newest configuration that a size has reached decides', () => {
  const configurations = [3, 7, 12].map((fromSize) => ({ fromSize, operators: [], quorum: 1 }))
  const sizes = [2, 3, 6, 7, 11, 12, 100].map((size) => findConfiguration(configurations, size)?.fromSize)
  assert.deepEqual(sizes, [undefined, 3, 3, 7, 7, 12, 12])
})
