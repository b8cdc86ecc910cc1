import type { JsonObject, JsonValue } from '../../core/canonical-json.ts'
import type { Story } from '../scenario.ts'

/** One step, signed by one member for three others: twelve fields in four groups, as in a typical public-service form. */
const RECIPIENTS = ['first', 'second', 'third']
const fields = Array.from({ length: 12 }, (_, i) => `field${i}`)

const blueprint: JsonValue = {
  format: 'concordat-blueprint/1',
  name: 'bench',
  version: '1.0.0',
  title: 'A record for three recipients',
  justification: 'To measure what one record costs.',
  dpia: { reference: 'none: no personal data', date: '2026-11-01' },
  roles: ['sender', ...RECIPIENTS].map((id) => ({ id, title: id, kind: 'member', fixed: true })),
  retention: [{ id: 'short', years: 1, reason: 'Measured and thrown away.' }],
  threshold: { fraction: [2, 3] },
  review: null,
  start: 'send',
  steps: [
    {
      id: 'send',
      title: 'Send',
      role: 'sender',
      subject: 'sender',
      retention: 'short',
      schema: {
        type: 'object',
        additionalProperties: false,
        required: ['amount', 'rate', 'total', ...fields],
        properties: {
          amount: { type: 'integer', minimum: 0, maximum: 100_000 },
          rate: { type: 'number', minimum: 0, maximum: 10 },
          total: { type: 'number' },
          ...Object.fromEntries(fields.map((field) => [field, { type: 'string', maxLength: 100 }])),
        },
      },
      calculations: [{ field: '/total', rule: { '*': [{ var: 'send.amount' }, { var: 'send.rate' }] } }],
      disclosures: RECIPIENTS.map((to, i) => ({
        to,
        fields: ['/amount', '/rate', '/total', ...fields.slice(i * 4, i * 4 + 4).map((field) => `/${field}`)],
        purpose: 'To measure',
        basis: 'None needed',
        retention: 'short',
      })),
      routes: [{ to: [], when: { '>=': [{ var: 'send.total' }, 0] } }, { to: [] }],
    },
  ],
}

const memberNames = ['sender', ...RECIPIENTS, 'observer']

export const benchStory: Story = {
  blueprint,
  members: memberNames.map((id) => ({ id, name: id, voting: id !== 'observer' })),
  scenarios: [
    {
      name: 'bench',
      title: 'bench',
      about: 'bench',
      startsAt: '2026-11-02T09:00:00Z',
      members: Object.fromEntries(['sender', ...RECIPIENTS].map((id) => [id, id])),
      steps: [],
      expected: { path: [], ended: true, values: {}, seen: {} },
    },
  ],
}

export function benchData(i: number): JsonObject {
  return {
    amount: i % 100_000,
    rate: 1.25,
    ...Object.fromEntries(fields.map((field, place) => [field, `a value of ordinary length ${i} ${place}`])),
  }
}
