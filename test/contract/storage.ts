import assert from 'node:assert/strict'
import { describe, test } from 'node:test'
import type { JsonValue } from '../../src/core/canonical-json.ts'
import { ConcordatError, type ErrorCode } from '../../src/core/error.ts'
import type {
  Closing,
  Delivery,
  Effects,
  LeafBatch,
  Receipt,
  Storage,
  StoredGroup,
  Submission,
} from '../../src/storage/storage.ts'

/** A place where a store lies: opened as often as a test likes, also twice at once. */
export interface StoragePlace {
  open(): Promise<Storage>
  remove(): Promise<void>
}

const A = 'register-a'
const B = 'register-b'

/** What every Storage must do. `makePlace` gives a new, empty place. */
export function storageContract(name: string, makePlace: () => Promise<StoragePlace>): void {
  /** Each test gets a store, and may open the same place again. */
  function storageTest(title: string, body: (storage: Storage, place: StoragePlace) => Promise<void>): void {
    test(title, async () => {
      const place = await makePlace()
      try {
        const storage = await place.open()
        await body(storage, place)
        await storage.close()
        await storage.close()
      } finally {
        await place.remove()
      }
    })
  }

  describe(`${name}: registers and leaves`, () => {
    storageTest('keeps the settings of registers, the last saved', async (storage, place) => {
      await storage.saveRegister(A, { sequencer: 'https://a.example' })
      await storage.saveRegister(B, {})
      await storage.saveRegister(A, { sequencer: 'https://b.example' })
      const second = await place.open()
      assert.deepEqual(await second.registers(), [
        { register: A, settings: { sequencer: 'https://b.example' } },
        { register: B, settings: {} },
      ])
      await second.close()
    })

    storageTest('knows nothing of a register never written', async (storage) => {
      assert.equal(await storage.findHead(A), undefined)
      assert.deepEqual(await storage.readLeaves(A, 0, 10), [])
      assert.equal(await storage.findLeaf(A, 'id-0'), undefined)
      assert.equal(await storage.findTile(A, 0, 0), undefined)
      assert.equal((await storage.readRows(A, ['register'])).size, 0)
      assert.equal(await storage.effectsCursor(A), 0)
      assert.deepEqual(await storage.registers(), [])
    })

    storageTest('appends batches and reads them back', async (storage) => {
      await storage.appendBatch(A, batch(0, 3))
      await storage.appendBatch(A, batch(3, 2))
      assert.deepEqual(await storage.findHead(A), { term: 0, size: 5, root: 'root-5', time: 1_005 })
      assert.deepEqual(await storage.readLeaves(A, 1, 3), ['leaf-1', 'leaf-2', 'leaf-3'])
      assert.deepEqual(await storage.readLeaves(A, 4, 10), ['leaf-4'])
      assert.deepEqual(await storage.readLeaves(A, 5, 10), [])
      assert.deepEqual(await storage.readGovernance(A), [
        { index: 0, leaf: 'leaf-0' },
        { index: 3, leaf: 'leaf-3' },
      ])
      assert.deepEqual(await storage.findLeaf(A, 'id-3'), { index: 3, leaf: 'leaf-3' })
      assert.deepEqual(await storage.findTile(A, 0, 0), new Uint8Array(5 * 32).fill(5))
      assert.equal(await storage.findTile(A, 0, 1), undefined)
      assert.equal(await storage.findTile(A, 1, 0), undefined)
    })

    storageTest('keeps registers apart', async (storage) => {
      await storage.appendBatch(A, batch(0, 2))
      await storage.appendBatch(B, batch(0, 1))
      assert.equal((await storage.findHead(B))?.size, 1)
      assert.equal(await storage.findLeaf(B, 'id-1'), undefined)
      assert.deepEqual(await storage.readLeaves(B, 0, 10), ['leaf-0'])
    })

    storageTest('keeps rows of every JSON kind, the newest of each key', async (storage) => {
      const first = batch(0, 1, [
        ['register', { size: 1, list: [null, true, '“\u0000'] }],
        ['case/x', null],
      ])
      await storage.appendBatch(A, first)
      await storage.appendBatch(A, batch(1, 1, [['register', [2]]]))
      const rows = await storage.readRows(A, ['register', 'case/x', 'case/y', 'register'])
      assert.deepEqual([...rows].sort(), [
        ['case/x', null],
        ['register', [2]],
      ])
    })

    storageTest('gives all rows in key order, over many reads', async (storage) => {
      const keys = Array.from({ length: 1_300 }, (_, i) => `jti/${String((i * 7) % 1_300).padStart(5, '0')}`)
      await storage.appendBatch(
        A,
        batch(
          0,
          1,
          keys.map((key) => [key, key.length]),
        ),
      )
      const seen = await Array.fromAsync(storage.allRows(A))
      assert.deepEqual(
        seen.map(([key]) => key),
        [...keys].sort(),
      )
    })

    storageTest('refuses a batch computed on another head', async (storage) => {
      await storage.appendBatch(A, batch(0, 2))
      await refused('STORAGE_HEAD_MOVED', storage.appendBatch(A, batch(0, 1)))
      await refused('STORAGE_HEAD_MOVED', storage.appendBatch(A, batch(3, 1)))
      await refused(
        'STORAGE_HEAD_MOVED',
        storage.appendBatch(A, {
          ...batch(2, 1),
          expected: { term: 1, size: 2 },
          head: { term: 1, size: 3, root: 'r', time: 0 },
        }),
      )
      assert.equal((await storage.findHead(A))?.size, 2)
      assert.deepEqual(await storage.readLeaves(A, 0, 9), ['leaf-0', 'leaf-1'])
    })

    storageTest(
      'lets leaves that no certificate covers give way to others, rows and tiles with them',
      async (storage, place) => {
        await storage.appendBatch(A, batch(0, 2, [['register', 'first']]))
        await storage.appendBatch(
          A,
          batch(2, 2, [
            ['register', 'second'],
            ['case/x', 1],
          ]),
        )
        await storage.appendBatch(A, batch(4, 300, [['case/x', 2]]))
        assert.deepEqual(await storage.droppableSizes(A), [4, 2, 0])
        assert.deepEqual([...(await storage.rowsBefore(A, 2))].sort(), [
          ['case/x', undefined],
          ['register', 'first'],
        ])
        assert.deepEqual([...(await storage.rowsBefore(A, 4))], [['case/x', 1]])

        const other = {
          ...batch(2, 1, [['register', 'third']]),
          head: { term: 1, size: 3, root: 'other', time: 1_003 },
        }
        await refused('STORAGE_HEAD_MOVED', storage.replaceLeaves(A, { term: 0, size: 303 }, other))
        await refused('STORAGE_HEAD_MOVED', storage.replaceLeaves(A, { term: 0, size: 304 }, batch(3, 1)))
        await storage.replaceLeaves(A, { term: 0, size: 304 }, other)
        const second = await place.open()
        assert.deepEqual(await second.findHead(A), other.head)
        assert.deepEqual(await second.readLeaves(A, 0, 9), ['leaf-0', 'leaf-1', 'leaf-2'])
        assert.equal(await second.findLeaf(A, 'id-3'), undefined)
        assert.deepEqual([...(await second.readRows(A, ['register', 'case/x']))], [['register', 'third']])
        assert.deepEqual(await second.findTile(A, 0, 0), new Uint8Array(3 * 32).fill(3))
        await second.close()
      },
    )

    storageTest('cuts the tiles that reach beyond the leaves that stay', async (storage) => {
      const tile = (level: number, n: number, width: number) => ({
        level,
        n,
        hashes: new Uint8Array(width * 32).fill(n + 1),
      })
      await storage.appendBatch(A, {
        ...batch(0, 300),
        rows: new Map([['x', 0]]),
        tiles: [tile(0, 0, 256), tile(0, 1, 44), tile(1, 0, 1)],
      })
      await storage.appendBatch(A, {
        ...batch(300, 400),
        rows: new Map([['x', 1]]),
        tiles: [tile(0, 1, 256), tile(0, 2, 188), tile(1, 0, 2)],
      })
      await storage.replaceLeaves(
        A,
        { term: 0, size: 700 },
        { ...batch(300, 1), head: { term: 1, size: 301, root: 'r', time: 1 }, rows: new Map([['x', 2]]), tiles: [] },
      )
      assert.equal((await storage.findTile(A, 0, 0))?.length, 256 * 32)
      assert.equal((await storage.findTile(A, 0, 1))?.length, 44 * 32)
      assert.equal(await storage.findTile(A, 0, 2), undefined)
      assert.equal((await storage.findTile(A, 1, 0))?.length, 32)
    })

    storageTest('keeps what a certificate covers', async (storage) => {
      await storage.appendBatch(A, batch(0, 2, [['x', 0]]))
      await storage.appendBatch(A, batch(2, 2, [['x', 1]]))
      await storage.appendBatch(A, batch(4, 2, [['x', 2]]))
      // It ends within the second batch: that one can be gone back to as a whole.
      await storage.saveCertificate(A, { size: 3, note: 'certificate', boundary: false })
      assert.deepEqual(await storage.droppableSizes(A), [4, 2])
      await storage.saveCertificate(A, { size: 6, note: 'certificate', boundary: false })
      assert.deepEqual(await storage.droppableSizes(A), [])
      await refused('STORAGE_HEAD_MOVED', storage.replaceLeaves(A, { term: 0, size: 6 }, batch(4, 1, [['x', 3]])))
    })

    storageTest('keeps the checkpoint that was cosigned last, with the leaves or alone', async (storage, place) => {
      assert.equal(await storage.findCosigned(A), null)
      await storage.appendBatch(A, { ...batch(0, 2), cosigned: 'over 2' })
      assert.equal(await storage.findCosigned(A), 'over 2')
      await storage.appendBatch(A, batch(2, 1))
      assert.equal(await storage.findCosigned(A), 'over 2')
      await storage.saveCosigned(A, 'over 3')
      const second = await place.open()
      assert.equal(await second.findCosigned(A), 'over 3')
      assert.equal(await second.findCosigned(B), null)
      await second.close()
    })

    storageTest('of two that append at once through two handles, one moves the head', async (storage, place) => {
      const second = await place.open()
      await storage.appendBatch(A, batch(0, 1))
      const outcomes = await Promise.allSettled([
        storage.appendBatch(A, batch(1, 1, [['who', 'first']])),
        second.appendBatch(A, batch(1, 2, [['who', 'second']])),
        storage.appendBatch(A, batch(1, 3, [['who', 'third']])),
      ])
      const moved = outcomes.filter((outcome) => outcome.status === 'rejected')
      assert.equal(moved.length, 2)
      for (const { reason } of moved) assert.equal(codeOf(reason), 'STORAGE_HEAD_MOVED')
      const size = (await second.findHead(A))?.size
      assert.equal((await storage.readLeaves(A, 0, 9)).length, size)
      assert.deepEqual(await storage.findHead(A), await second.findHead(A))
      await second.close()
    })

    storageTest('a batch that fails half-way changes nothing, nor the writes beside it', async (storage) => {
      await storage.appendBatch(A, batch(0, 1))
      const bad = batch(1, 2, [['register', 'changed']])
      const repeated = { ...bad, leaves: [bad.leaves[0]!, bad.leaves[0]!] }
      const [, failed, saved] = await Promise.allSettled([
        storage.saveDocument('h1', 'before'),
        storage.appendBatch(A, repeated),
        storage.saveDocument('h2', 'after'),
      ])
      assert.equal(failed?.status === 'rejected' && codeOf(failed.reason), 'STORAGE_FAILED')
      assert.equal(saved?.status, 'fulfilled')
      assert.equal((await storage.findHead(A))?.size, 1)
      assert.equal((await storage.readLeaves(A, 0, 9)).length, 1)
      assert.equal((await storage.readRows(A, ['register'])).size, 0)
      assert.equal(await storage.findDocument('h1'), 'before')
      assert.equal(await storage.findDocument('h2'), 'after')
    })
  })

  describe(`${name}: certificates, documents, tokens`, () => {
    storageTest('shows the newest certificate and keeps boundaries', async (storage) => {
      assert.equal(await storage.findCertificate(A), undefined)
      await storage.saveCertificate(A, { size: 4, note: 'n4', boundary: true })
      await storage.saveCertificate(A, { size: 7, note: 'n7', boundary: false })
      await storage.saveCertificate(A, { size: 7, note: 'other n7', boundary: false })
      await storage.saveCertificate(A, { size: 6, note: 'n6', boundary: false })
      assert.deepEqual(await storage.findCertificate(A), { size: 7, note: 'n7', boundary: false })
      await storage.saveCertificate(A, { size: 9, note: 'n9', boundary: false })
      await storage.saveCertificate(A, { size: 5, note: 'n5', boundary: true })
      assert.deepEqual(await storage.findCertificate(A), { size: 9, note: 'n9', boundary: false })
      assert.deepEqual(await storage.boundaryCertificates(A), [
        { size: 4, note: 'n4', boundary: true },
        { size: 5, note: 'n5', boundary: true },
      ])
    })

    storageTest('keeps a certificate that turns out to be a boundary', async (storage) => {
      await storage.saveCertificate(A, { size: 4, note: 'n4', boundary: false })
      await storage.saveCertificate(A, { size: 4, note: 'n4', boundary: true })
      await storage.saveCertificate(A, { size: 8, note: 'n8', boundary: false })
      assert.deepEqual(await storage.boundaryCertificates(A), [{ size: 4, note: 'n4', boundary: true }])
    })

    storageTest('keeps documents and tokens', async (storage) => {
      await storage.saveDocument('h', '{"a":1}')
      await storage.saveDocument('h', '{"a":1}')
      assert.equal(await storage.findDocument('h'), '{"a":1}')
      assert.equal(await storage.findDocument('other'), undefined)
      const token = { hash: 'th', member: 'm', name: 'reports', scopes: ['read', 'submit'] }
      await storage.saveToken(token)
      assert.deepEqual(await storage.findToken('th'), token)
      assert.equal(await storage.findToken('other'), undefined)
    })
  })

  describe(`${name}: submissions`, () => {
    storageTest('keeps submissions in order, with their groups', async (storage, place) => {
      const items = ['s2', 's1', 's3'].map((id) => ({
        submission: submission(id),
        groups: [group(id, 0), group(id, 1)],
      }))
      await storage.saveSubmissions(items.slice(0, 2))
      await storage.saveSubmissions(items.slice(2))
      await storage.saveSubmissions(items.slice(0, 1))
      const second = await place.open()
      assert.deepEqual(
        await second.pendingSubmissions(A),
        items.map((item) => item.submission),
      )
      assert.deepEqual(await second.findSubmission(A, 'key of s1'), submission('s1'))
      assert.equal(await second.findSubmission(A, 'no key'), undefined)
      assert.equal(await second.findSubmission(B, 'key of s1'), undefined)
      assert.deepEqual(await second.recordGroups(A, 's1', 'applicant'), [group('s1', 0), group('s1', 1)])
      assert.deepEqual(await second.pendingSubmissions(B), [])
      await second.close()
    })

    storageTest(
      'refuses a second submission under one idempotency key, and all that comes with it',
      async (storage) => {
        await storage.saveSubmissions([{ submission: submission('s1'), groups: [] }])
        const rival = { ...submission('s3'), idempotency: 'key of s1' }
        const items = [
          { submission: submission('s2'), groups: [group('s2', 0)] },
          { submission: rival, groups: [group('s3', 0)] },
        ]
        await refused('SUBMISSION_CONFLICT', storage.saveSubmissions(items))
        assert.deepEqual(await storage.pendingSubmissions(A), [submission('s1')])
        assert.deepEqual(await storage.caseGroups(A, 'case-1'), [])
      },
    )

    storageTest('settles: an index stays, a refusal takes the groups along', async (storage) => {
      const items = ['s1', 's2', 's3'].map((id) => ({ submission: submission(id), groups: [group(id, 0)] }))
      await storage.saveSubmissions(items)
      const refusal = { code: 'ERASED', expected: 'x', got: 'y' } as const
      await storage.settleSubmissions(A, [
        { id: 's1', index: 4 },
        { id: 's2', refusal },
        { id: 'not ours', index: 5 },
      ])
      await storage.settleSubmissions(A, [{ id: 's1', refusal }])
      assert.deepEqual(await storage.pendingSubmissions(A), [submission('s3')])
      const committed = await storage.findSubmission(A, 'key of s1')
      assert.deepEqual(committed, { ...submission('s1'), state: 'committed', index: 4 })
      const other = await storage.findSubmission(A, 'key of s2')
      assert.deepEqual(other, { ...submission('s2'), state: 'refused', refusal })
      assert.deepEqual(await storage.caseGroups(A, 'case-1'), [group('s1', 0), group('s3', 0)])
    })

    storageTest('replaces an expired submission, never a committed one', async (storage) => {
      const items = ['s1', 's2'].map((id) => ({ submission: submission(id), groups: [group(id, 0)] }))
      await storage.saveSubmissions(items)
      const again = { ...submission('s1b'), idempotency: 'key of s1' }
      await storage.replaceSubmission('s1', again, [group('s1b', 0)])
      assert.deepEqual(await storage.findSubmission(A, 'key of s1'), again)
      assert.deepEqual(await storage.pendingSubmissions(A), [submission('s2'), again])
      assert.deepEqual(await storage.recordGroups(A, 's1', 'applicant'), [])
      assert.deepEqual(await storage.recordGroups(A, 's1b', 'applicant'), [group('s1b', 0)])
      await storage.settleSubmissions(A, [{ id: 's2', index: 1 }])
      const late = { ...submission('s2b'), idempotency: 'key of s2' }
      await refused('SUBMISSION_CONFLICT', storage.replaceSubmission('s2', late, []))
      await refused('SUBMISSION_CONFLICT', storage.replaceSubmission('gone', submission('s9'), []))
    })
  })

  describe(`${name}: effects`, () => {
    storageTest('moves the cursor with what it means, once', async (storage, place) => {
      const effects = effectsAt(5)
      await storage.saveEffects(effects)
      await storage.updateDeliveries([{ ...effects.deliveries[0]!, state: 'acknowledged', attempts: 1 }])
      await storage.saveEffects(effects)
      await storage.saveEffects({ ...effectsAt(4), inbox: [] })
      const second = await place.open()
      assert.equal(await second.effectsCursor(A), 5)
      assert.deepEqual(await second.findCase(A, 'case-1'), effects.cases[0])
      assert.deepEqual(await second.listInbox(A, 10), effects.inbox)
      assert.deepEqual(await second.caseDeliveries(A, 'case-1'), [
        { ...effects.deliveries[0]!, state: 'acknowledged', attempts: 1 },
      ])
      assert.deepEqual(await second.caseReceipts(A, 'case-1'), effects.receipts)
      assert.equal(await second.effectsCursor(B), 0)
      await second.close()
    })

    storageTest('replaces the inbox of the cases named, and no other', async (storage) => {
      const [item] = effectsAt(1).inbox
      const [summary] = effectsAt(1).cases
      const other = { ...summary!, case: 'case-2', changedAt: 2_000 }
      await storage.saveEffects({
        ...effectsAt(1),
        cases: [summary!, other],
        inbox: [item!, { ...item!, case: 'case-2', since: 1 }],
      })
      assert.deepEqual(
        (await storage.listInbox(A, 10)).map((i) => i.case),
        ['case-2', 'case-1'],
      )
      assert.deepEqual(
        (await storage.listInbox(A, 1)).map((i) => i.case),
        ['case-2'],
      )
      assert.deepEqual(
        (await storage.listCases(A, 10)).map((c) => c.case),
        ['case-2', 'case-1'],
      )
      assert.equal((await storage.listCases(A, 1)).length, 1)
      await storage.saveEffects({ ...effectsAt(2), cases: [{ ...summary!, changedAt: 3_000, ended: true }], inbox: [] })
      assert.deepEqual(
        (await storage.listInbox(A, 10)).map((i) => i.case),
        ['case-2'],
      )
      assert.deepEqual(
        (await storage.listCases(A, 10)).map((c) => [c.case, c.ended]),
        [
          ['case-1', true],
          ['case-2', false],
        ],
      )
    })

    storageTest('gives the cases with a deadline that has passed, longest due first', async (storage) => {
      const [summary] = effectsAt(1).cases
      const due = { 'case-1': 5_000, 'case-2': 4_000, 'case-3': null, 'case-4': 9_000 }
      const cases = Object.entries(due).map(([id, dueAt]) => ({ ...summary!, case: id, dueAt }))
      await storage.saveEffects({ ...effectsAt(1), cases, inbox: [] })
      const dueAt = async (now: number, limit = 10) => (await storage.dueCases(A, now, limit)).map((item) => item.case)
      assert.deepEqual(await dueAt(4_000), [], 'its last second is in time')
      assert.deepEqual(await dueAt(5_001), ['case-2', 'case-1'])
      assert.deepEqual(await dueAt(5_001, 1), ['case-2'])
      assert.deepEqual(await storage.dueCases(B, 5_001, 10), [])
      await storage.saveEffects({ ...effectsAt(2), cases: [{ ...cases[1]!, dueAt: null }], inbox: [] })
      assert.deepEqual(await dueAt(5_001), ['case-1'])
      assert.deepEqual(await storage.findCase(A, 'case-1'), cases[0])
    })

    storageTest('gives the deliveries that are due to a member, longest due first', async (storage) => {
      const [delivery] = effectsAt(1).deliveries
      const of = (record: string, dueAt: number): Delivery => ({ ...delivery!, record, dueAt })
      const { member } = delivery!
      const other = { ...of('r5', 5), member: 'other' }
      const deliveries = [of('r1', 30), of('r2', 10), of('r3', 20), of('r4', 99), other]
      await storage.saveEffects({ ...effectsAt(1), deliveries })
      assert.deepEqual(await storage.dueRecipients(A, 30), [member, 'other'].sort())
      assert.deepEqual(await storage.dueRecipients(A, 4), [])
      assert.deepEqual(
        (await storage.dueDeliveries(A, { member, now: 30, limit: 10 })).map((d) => d.record),
        ['r2', 'r3', 'r1'],
      )
      assert.deepEqual(
        (await storage.dueDeliveries(A, { member, now: 30, limit: 1 })).map((d) => d.record),
        ['r2'],
      )
      await storage.updateDeliveries([
        { ...of('r2', 50), attempts: 1 },
        { ...of('r3', 20), state: 'acknowledged' },
        of('not kept', 0),
      ])
      assert.deepEqual(
        (await storage.dueDeliveries(A, { member, now: 60, limit: 10 })).map((d) => [d.record, d.attempts]),
        [
          ['r1', 0],
          ['r2', 1],
        ],
      )
    })

    storageTest('a receipt opens once, with its groups', async (storage) => {
      await storage.saveEffects(effectsAt(1))
      const receipt = openedReceipt()
      const key = { record: 'r1', role: 'council', authorisedBy: 'e1' }
      const groups = [received('r1', 0), received('r1', 1)]
      await storage.saveReceipts([{ receipt, groups }])
      await storage.saveReceipts([{ receipt: { ...receipt, verdict: {} }, groups: [received('r1', 2)] }])
      assert.deepEqual(await storage.findReceipt(A, key), receipt)
      assert.equal(await storage.findReceipt(A, { ...key, role: 'bureau' }), undefined)
      assert.deepEqual(await storage.recordGroups(A, 'r1', 'council'), groups)
      assert.deepEqual(await storage.recordGroups(A, 'r1', 'applicant'), [])
      await storage.saveEffects(effectsAt(1))
      assert.equal((await storage.findReceipt(A, key))?.state, 'opened')
    })

    storageTest('what is awaited is found by its sender, until it came', async (storage) => {
      await storage.saveEffects(effectsAt(1))
      const [awaited] = await storage.caseReceipts(A, 'case-1')
      const { from } = awaited!
      assert.deepEqual(await storage.awaitedSenders(A), [from])
      assert.deepEqual(await storage.awaitedReceipts(A, { from, limit: 10 }), [awaited])
      assert.deepEqual(await storage.awaitedReceipts(A, { from: 'another', limit: 10 }), [])
      await storage.saveReceipts([{ receipt: openedReceipt(), groups: [] }])
      assert.deepEqual(await storage.awaitedSenders(A), [])
      const [delivery] = await storage.caseDeliveries(A, 'case-1')
      assert.deepEqual(await storage.findDelivery(A, delivery!), delivery)
      assert.equal(await storage.findDelivery(A, { ...delivery!, role: 'nobody' }), undefined)
    })

    storageTest('the verdict of an opened receipt is replaced, nothing else of it', async (storage) => {
      await storage.saveEffects(effectsAt(1))
      const receipt = openedReceipt()
      const verdict = { verdict: 'agrees', findings: [] }
      await storage.saveVerdicts([{ ...receipt, verdict }])
      assert.equal((await storage.findReceipt(A, receipt))?.verdict, null)
      await storage.saveReceipts([{ receipt, groups: [] }])
      await storage.saveVerdicts([{ ...receipt, groups: [], verdict }])
      assert.deepEqual(await storage.findReceipt(A, receipt), { ...receipt, verdict })
    })

    storageTest('a receipt may come as erased, and stays so', async (storage) => {
      await storage.saveEffects(effectsAt(1))
      const receipt = openedReceipt()
      await storage.saveReceipts([{ receipt: { ...receipt, state: 'erased', verdict: null }, groups: [] }])
      await storage.saveReceipts([{ receipt, groups: [received('r1', 0)] }])
      assert.equal((await storage.findReceipt(A, receipt))?.state, 'erased')
      assert.deepEqual(await storage.caseGroups(A, 'case-1'), [])
    })
  })

  describe(`${name}: erasure`, () => {
    storageTest('removes the groups of the vault keys named, for good', async (storage) => {
      await storage.saveEffects(effectsAt(1))
      const key = { record: 'r1', role: 'council', authorisedBy: 'e1' }
      const groups = [received('r1', 0), { ...received('r1', 1), vaultKey: 'statute' }]
      const item = { receipt: openedReceipt(), groups }
      await storage.saveReceipts([item])
      await storage.saveSubmissions([{ submission: submission('s1'), groups: [group('s1', 0)] }])
      await storage.eraseGroups(['vault of r1', 'never used'])
      assert.deepEqual(await storage.recordGroups(A, 'r1', 'council'), [groups[1]])
      assert.equal((await storage.findReceipt(A, key))?.state, 'opened')
      await storage.eraseGroups(['statute'])
      assert.deepEqual(await storage.caseGroups(A, 'case-1'), [group('s1', 0)])
      assert.equal((await storage.findReceipt(A, key))?.state, 'erased')
      await storage.saveReceipts([item])
      assert.deepEqual(await storage.recordGroups(A, 'r1', 'council'), [])
    })

    storageTest('a recall takes its groups, and the others get another vault key', async (storage) => {
      await storage.saveEffects(effectsAt(1))
      const groups = [received('r1', 0), received('r1', 1)]
      await storage.saveReceipts([{ receipt: openedReceipt(), groups }])
      const renewed = { ...groups[1]!, vaultKey: 'fresh', wrappedKey: utf8('wrapped again') }
      const closing = closingOf({ closed: [groups[0]!], renewed: [renewed], retired: ['vault of r1', 'unused'] })
      await storage.closeGroups(closing)
      await storage.closeGroups({ ...closing, renewed: [], owed: { ...closing.owed, opened: false } })
      assert.deepEqual(await storage.caseGroups(A, 'case-1'), [renewed])
      assert.deepEqual(await storage.retiredVaultKeys(A, 'case-1'), ['unused', 'vault of r1'])
      assert.equal((await storage.findReceipt(A, openedReceipt()))?.state, 'opened')
      assert.deepEqual(await storage.dueErasures(A, 1_000, 10), [closing.owed])
      const late = { submission: submission('s1'), groups: [{ ...group('s1', 0), vaultKey: 'unused' }] }
      await assert.rejects(storage.saveSubmissions([late]), { code: 'VAULT_KEY_RETIRED' })
      assert.deepEqual(await storage.pendingSubmissions(A), [])
      await storage.closeGroups({ ...closing, closed: [renewed], renewed: [], retired: ['fresh'] })
      assert.equal((await storage.findReceipt(A, openedReceipt()))?.state, 'erased')
    })

    storageTest('a recall that overlooks a group changes nothing', async (storage) => {
      const groups = [received('r1', 0), received('r1', 1)]
      await storage.saveReceipts([{ receipt: openedReceipt(), groups }])
      const closing = closingOf({ closed: [groups[0]!], renewed: [], retired: ['vault of r1'] })
      await assert.rejects(storage.closeGroups(closing), { code: 'VAULT_KEY_RETIRED' })
      assert.deepEqual(await storage.caseGroups(A, 'case-1'), groups)
      assert.deepEqual(await storage.retiredVaultKeys(A, 'case-1'), [])
    })

    storageTest('a recall ends what is awaited of it, and no receipt that was opened', async (storage) => {
      await storage.saveEffects(effectsAt(1))
      const [awaited] = await storage.caseReceipts(A, 'case-1')
      await storage.closeGroups({ ...closingOf({ closed: [], renewed: [], retired: [] }), receipts: [awaited!] })
      assert.equal((await storage.findReceipt(A, awaited!))?.state, 'erased')
    })

    storageTest('an erasure is owed once, until it is settled', async (storage) => {
      const owed = { register: A, case: 'case-1', recall: null, opened: null, dueAt: 2_000 }
      await storage.saveOwedErasure(owed)
      await storage.saveOwedErasure({ ...owed, dueAt: 1_000 })
      const answer = { ...owed, recall: 'recall', opened: false, dueAt: 1_500 }
      await storage.saveOwedErasure(answer)
      assert.deepEqual(await storage.dueErasures(A, 1_499, 10), [])
      assert.deepEqual(await storage.dueErasures(A, 2_000, 10), [answer, owed])
      assert.deepEqual(await storage.dueErasures(A, 2_000, 1), [answer])
      await storage.settleErasure(owed)
      await storage.saveOwedErasure(owed)
      assert.deepEqual(await storage.dueErasures(A, 9_000, 10), [answer])
    })
  })
}

function closingOf(what: Pick<Closing, 'closed' | 'renewed' | 'retired'>): Closing {
  const owed = { register: A, case: 'case-1', recall: 'recall', opened: true, dueAt: 0 }
  return { register: A, case: 'case-1', ...what, receipts: [], owed }
}

function batch(from: number, count: number, rows: [string, JsonValue][] = []): LeafBatch {
  const size = from + count
  return {
    expected: from === 0 ? null : { term: 0, size: from },
    head: { term: 0, size, root: `root-${size}`, time: 1_000 + size },
    leaves: Array.from({ length: count }, (_, i) => ({
      leaf: `leaf-${from + i}`,
      id: `id-${from + i}`,
      case: i === 0 ? null : 'case-1',
    })),
    tiles: [{ level: 0, n: 0, hashes: new Uint8Array(size * 32).fill(size) }],
    rows: new Map(rows),
    cosigned: null,
  }
}

function submission(id: string): Submission {
  return {
    register: A,
    id,
    jws: `jws of ${id}`,
    kind: 'action+sd-jwt',
    case: 'case-1',
    iat: 1_000,
    idempotency: `key of ${id}`,
    request: `request of ${id}`,
    state: 'pending',
    index: null,
    refusal: null,
  }
}

function group(record: string, index: number): StoredGroup {
  return {
    register: A,
    record,
    index,
    role: 'applicant',
    case: 'case-1',
    vaultKey: `vault of ${record}`,
    wrappedKey: utf8(`wrapped key ${index} of ${record}`),
    sealed: utf8(`sealed group ${index} of ${record}`),
  }
}

function received(record: string, index: number): StoredGroup {
  return { ...group(record, index), role: 'council' }
}

function effectsAt(cursor: number): Effects & { receipts: readonly Receipt[] } {
  const waiting = { register: A, case: 'case-1', role: 'council' }
  return {
    register: A,
    cursor,
    cases: [
      {
        register: A,
        case: 'case-1',
        blueprint: 'bp',
        roles: ['council'],
        startedAt: 900,
        changedAt: 1_000,
        ended: false,
        dueAt: 5_000,
      },
    ],
    inbox: [
      {
        ...waiting,
        kind: 'act',
        step: 's2',
        prev: ['r1', 'r2'],
        record: null,
        dispute: null,
        since: 1_000,
        due: 5_000,
      },
      { ...waiting, kind: 'confirm', step: 's3', prev: [], record: 'r3', dispute: null, since: 1_001, due: null },
      { ...waiting, kind: 'resolve', step: 's3', prev: [], record: 'r3', dispute: 'd1', since: 1_002, due: 5_001 },
    ],
    deliveries: [
      {
        register: A,
        record: 'r9',
        role: 'bureau',
        authorisedBy: 'e1',
        member: 'member-b',
        case: 'case-1',
        groups: [1, 2],
        state: 'due',
        attempts: 0,
        dueAt: 1_000,
      },
    ],
    receipts: [{ ...openedReceipt(), state: 'awaited', verdict: null }],
  }
}

function openedReceipt(): Receipt {
  return {
    register: A,
    record: 'r1',
    role: 'council',
    authorisedBy: 'e1',
    from: 'member-a',
    case: 'case-1',
    groups: [0, 1],
    state: 'opened',
    verdict: { verdict: 'agrees', findings: [] },
  }
}

function utf8(text: string): Uint8Array {
  return new TextEncoder().encode(text)
}

async function refused(code: ErrorCode, work: Promise<unknown>): Promise<void> {
  await assert.rejects(work, (error) => codeOf(error) === code)
}

function codeOf(error: unknown): ErrorCode | undefined {
  return error instanceof ConcordatError ? error.code : undefined
}
