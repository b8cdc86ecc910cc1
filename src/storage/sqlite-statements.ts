import type { DatabaseSync } from 'node:sqlite'

/** Every statement of the store, prepared once. `:register` is a register's number. */
export function prepareStatements(db: DatabaseSync) {
  return {
    registers: db.prepare('SELECT id, settings FROM registers ORDER BY number'),
    register: db.prepare('SELECT number, term, size, root, time, cursor FROM registers WHERE id = ?'),
    addRegister: db.prepare(`INSERT INTO registers (id, settings) VALUES (?, '{}') ON CONFLICT DO NOTHING`),
    saveSettings: db.prepare('UPDATE registers SET settings = :settings WHERE number = :register'),
    saveHead: db.prepare(
      'UPDATE registers SET term = :term, size = :size, root = :root, time = :time WHERE number = :register',
    ),
    saveCursor: db.prepare('UPDATE registers SET cursor = :cursor WHERE number = :register'),

    addLeaf: db.prepare(
      'INSERT INTO leaves (register, idx, id, case_id, leaf) VALUES (:register, :idx, :id, :case, :leaf)',
    ),
    leaves: db.prepare('SELECT leaf FROM leaves WHERE register = :register AND idx >= :from ORDER BY idx LIMIT :count'),
    leafById: db.prepare('SELECT idx, leaf FROM leaves WHERE register = :register AND id = :id'),
    governance: db.prepare('SELECT idx, leaf FROM leaves WHERE register = :register AND case_id IS NULL ORDER BY idx'),

    saveTile: db.prepare(`
      INSERT INTO tiles (register, level, n, hashes) VALUES (:register, :level, :n, :hashes)
      ON CONFLICT DO UPDATE SET hashes = excluded.hashes`),
    tile: db.prepare('SELECT hashes FROM tiles WHERE register = :register AND level = :level AND n = :n'),

    saveRow: db.prepare(`
      INSERT INTO rows (register, key, body) VALUES (:register, :key, :body)
      ON CONFLICT DO UPDATE SET body = excluded.body`),
    keepRow: db.prepare(`
      INSERT INTO undo (register, size, end, key, body) VALUES (:register, :size, :end, :key,
        (SELECT body FROM rows WHERE register = :register AND key = :key))`),
    undoSizes: db.prepare('SELECT DISTINCT size FROM undo WHERE register = :register ORDER BY size DESC'),
    undoRows: db.prepare('SELECT key, body FROM undo WHERE register = :register AND size >= :size ORDER BY size DESC'),
    dropUndoFrom: db.prepare('DELETE FROM undo WHERE register = :register AND size >= :size'),
    dropUndoBelow: db.prepare('DELETE FROM undo WHERE register = :register AND end <= :size'),
    dropRow: db.prepare('DELETE FROM rows WHERE register = :register AND key = :key'),
    keepLeaves: db.prepare(`
      INSERT INTO dropped_leaves (register, until, idx, leaf)
      SELECT register, :until, idx, leaf FROM leaves WHERE register = :register AND idx >= :size
      ON CONFLICT DO NOTHING`),
    dropLeaves: db.prepare('DELETE FROM leaves WHERE register = :register AND idx >= :size'),
    forgetDropped: db.prepare('DELETE FROM dropped_leaves WHERE register = :register AND until < :size'),
    cutTile: db.prepare(`
      UPDATE tiles SET hashes = substr(hashes, 1, :bytes) WHERE register = :register AND level = :level AND n = :n`),
    dropTiles: db.prepare('DELETE FROM tiles WHERE register = :register AND level = :level AND n >= :n'),

    cosigned: db.prepare('SELECT cosigned FROM registers WHERE number = :register'),
    saveCosigned: db.prepare('UPDATE registers SET cosigned = :note WHERE number = :register'),

    // One statement for all keys reads them of one moment.
    rowsByKey: db.prepare(`
      SELECT key, body FROM rows WHERE register = :register AND key IN (SELECT value FROM json_each(:keys))`),
    rowsUnder: db.prepare(`
      SELECT key, body FROM rows WHERE register = :register AND key >= :prefix AND key < :end ORDER BY key`),
    rowsAfter: db.prepare(
      'SELECT key, body FROM rows WHERE register = :register AND key > :after ORDER BY key LIMIT :limit',
    ),

    certificate: db.prepare(`
      SELECT size, note, boundary FROM certificates WHERE register = :register ORDER BY size DESC LIMIT 1`),
    boundaries: db.prepare(`
      SELECT size, note, boundary FROM certificates WHERE register = :register AND boundary = 1 ORDER BY size`),
    saveCertificate: db.prepare(`
      INSERT INTO certificates (register, size, note, boundary) VALUES (:register, :size, :note, :boundary)
      ON CONFLICT DO UPDATE SET note = excluded.note, boundary = 1 WHERE excluded.boundary = 1 AND boundary = 0`),
    dropCertificatesBelow: db.prepare(
      'DELETE FROM certificates WHERE register = :register AND size < :size AND boundary = 0',
    ),

    saveDocument: db.prepare('INSERT INTO documents (hash, body) VALUES (:hash, :body) ON CONFLICT DO NOTHING'),
    document: db.prepare('SELECT body FROM documents WHERE hash = ?'),

    addSubmission: db.prepare(`
      INSERT INTO submissions (register, id, jws, kind, case_id, iat, idempotency, request, state, idx, refusal)
      VALUES (:register, :id, :jws, :kind, :case, :iat, :idempotency, :request, :state, :idx, :refusal)
      ON CONFLICT DO NOTHING`),
    submissionById: db.prepare('SELECT * FROM submissions WHERE register = :register AND id = :id'),
    submissionByKey: db.prepare('SELECT * FROM submissions WHERE register = :register AND idempotency = :idempotency'),
    pendingSubmissions: db.prepare(`
      SELECT * FROM submissions WHERE register = :register AND state = 'pending' ORDER BY number`),
    commitSubmission: db.prepare(`
      UPDATE submissions SET state = 'committed', idx = :idx, refusal = NULL WHERE register = :register AND id = :id`),
    refuseSubmission: db.prepare(`
      UPDATE submissions SET state = 'refused', refusal = :refusal
      WHERE register = :register AND id = :id AND state = 'pending'`),
    dropSubmission: db.prepare(
      `DELETE FROM submissions WHERE register = :register AND id = :id AND state <> 'committed'`,
    ),

    saveCase: db.prepare(`
      INSERT INTO cases (register, case_id, blueprint, roles, started_at, changed_at, ended, due_at)
      VALUES (:register, :case, :blueprint, :roles, :startedAt, :changedAt, :ended, :dueAt)
      ON CONFLICT DO UPDATE SET blueprint = excluded.blueprint, roles = excluded.roles, started_at = excluded.started_at,
        changed_at = excluded.changed_at, ended = excluded.ended, due_at = excluded.due_at`),
    caseById: db.prepare('SELECT * FROM cases WHERE register = :register AND case_id = :case'),
    cases: db.prepare('SELECT * FROM cases WHERE register = :register ORDER BY changed_at DESC, case_id LIMIT :limit'),
    dueCases: db.prepare(`
      SELECT * FROM cases WHERE register = :register AND due_at IS NOT NULL AND due_at < :now
      ORDER BY due_at, case_id LIMIT :limit`),

    clearInbox: db.prepare('DELETE FROM inbox WHERE register = :register AND case_id = :case'),
    addInboxItem: db.prepare(`
      INSERT INTO inbox (register, case_id, kind, step, role, prev, record, dispute, since, due)
      VALUES (:register, :case, :kind, :step, :role, :prev, :record, :dispute, :since, :due)`),
    inbox: db.prepare(
      'SELECT * FROM inbox WHERE register = :register ORDER BY since, case_id, step, rowid LIMIT :limit',
    ),

    addDelivery: db.prepare(`
      INSERT INTO deliveries (register, record, role, authorised_by, member, case_id, groups, state, attempts, due_at)
      VALUES (:register, :record, :role, :authorisedBy, :member, :case, :groups, :state, :attempts, :dueAt)
      ON CONFLICT DO NOTHING`),
    updateDelivery: db.prepare(`
      UPDATE deliveries SET state = :state, attempts = :attempts, due_at = :dueAt
      WHERE register = :register AND record = :record AND role = :role AND authorised_by = :authorisedBy`),
    dueRecipients: db.prepare(`
      SELECT DISTINCT member FROM deliveries WHERE register = :register AND state = 'due' AND due_at <= :now
      ORDER BY member`),
    dueDeliveries: db.prepare(`
      SELECT * FROM deliveries
      WHERE register = :register AND member = :member AND state = 'due' AND due_at <= :now
      ORDER BY due_at, rowid LIMIT :limit`),
    delivery: db.prepare(`
      SELECT * FROM deliveries
      WHERE register = :register AND record = :record AND role = :role AND authorised_by = :authorisedBy`),
    deliveriesByCase: db.prepare(
      'SELECT * FROM deliveries WHERE register = :register AND case_id = :case ORDER BY rowid',
    ),

    addReceipt: db.prepare(`
      INSERT INTO receipts (register, record, role, authorised_by, sender, case_id, groups, state, verdict)
      VALUES (:register, :record, :role, :authorisedBy, :sender, :case, :groups, :state, :verdict)
      ON CONFLICT DO NOTHING`),
    openReceipt: db.prepare(`
      INSERT INTO receipts (register, record, role, authorised_by, sender, case_id, groups, state, verdict)
      VALUES (:register, :record, :role, :authorisedBy, :sender, :case, :groups, :state, :verdict)
      ON CONFLICT DO UPDATE SET state = excluded.state, verdict = excluded.verdict, groups = excluded.groups
        WHERE state = 'awaited'`),
    saveVerdict: db.prepare(`
      UPDATE receipts SET verdict = :verdict
      WHERE register = :register AND record = :record AND role = :role AND authorised_by = :authorisedBy
        AND state = 'opened'`),
    receipt: db.prepare(`
      SELECT * FROM receipts
      WHERE register = :register AND record = :record AND role = :role AND authorised_by = :authorisedBy`),
    receiptsByCase: db.prepare('SELECT * FROM receipts WHERE register = :register AND case_id = :case ORDER BY rowid'),
    awaitedSenders: db.prepare(
      "SELECT DISTINCT sender FROM receipts WHERE register = :register AND state = 'awaited' ORDER BY sender",
    ),
    awaitedReceipts: db.prepare(`
      SELECT * FROM receipts WHERE register = :register AND state = 'awaited' AND sender = :from
      ORDER BY rowid LIMIT :limit`),
    eraseEmptyReceipts: db.prepare(`
      UPDATE receipts SET state = 'erased'
      WHERE register = :register AND record = :record AND role = :role AND state = 'opened' AND NOT EXISTS (
        SELECT 1 FROM sealed_groups AS g
        WHERE g.register = receipts.register AND g.record = receipts.record AND g.role = receipts.role
          AND g.idx IN (SELECT value FROM json_each(receipts.groups)))`),

    addGroup: db.prepare(`
      INSERT INTO sealed_groups (register, record, role, idx, case_id, vault_key, wrapped_key, sealed)
      VALUES (:register, :record, :role, :idx, :case, :vaultKey, :wrappedKey, :sealed)
      ON CONFLICT DO NOTHING`),
    groupsByCase: db.prepare(`
      SELECT * FROM sealed_groups WHERE register = :register AND case_id = :case ORDER BY rowid`),
    groupsByRecord: db.prepare(`
      SELECT * FROM sealed_groups WHERE register = :register AND record = :record AND role = :role ORDER BY idx`),
    dropGroupsOfRecord: db.prepare('DELETE FROM sealed_groups WHERE register = :register AND record = :record'),
    dropGroupsOfVaultKey: db.prepare('DELETE FROM sealed_groups WHERE vault_key = ? RETURNING register, record, role'),

    dropGroup: db.prepare(`
      DELETE FROM sealed_groups WHERE register = :register AND record = :record AND role = :role AND idx = :idx`),
    renewGroup: db.prepare(`
      UPDATE sealed_groups SET vault_key = :vaultKey, wrapped_key = :wrappedKey
      WHERE register = :register AND record = :record AND role = :role AND idx = :idx`),
    retireVaultKey: db.prepare(`
      INSERT INTO retired_vault_keys (vault_key, register, case_id) VALUES (:vaultKey, :register, :case)
      ON CONFLICT DO NOTHING`),
    groupUnderVaultKey: db.prepare('SELECT 1 FROM sealed_groups WHERE vault_key = ? LIMIT 1'),
    isRetired: db.prepare('SELECT 1 FROM retired_vault_keys WHERE vault_key = ?'),
    retiredByCase: db.prepare(
      'SELECT vault_key FROM retired_vault_keys WHERE register = :register AND case_id = :case ORDER BY vault_key',
    ),
    endAwaitedReceipt: db.prepare(`
      UPDATE receipts SET state = 'erased'
      WHERE register = :register AND record = :record AND role = :role AND authorised_by = :authorisedBy
        AND state = 'awaited'`),
    addOwedErasure: db.prepare(`
      INSERT INTO owed_erasures (register, case_id, recall, opened, due_at)
      VALUES (:register, :case, :recall, :opened, :dueAt)
      ON CONFLICT DO NOTHING`),
    dueErasures: db.prepare(`
      SELECT * FROM owed_erasures WHERE register = :register AND due_at <= :now ORDER BY due_at, case_id LIMIT :limit`),
    settleErasure: db.prepare(`
      UPDATE owed_erasures SET due_at = NULL WHERE register = :register AND case_id = :case AND recall = :recall`),

    saveToken: db.prepare(`
      INSERT INTO tokens (hash, member, name, scopes) VALUES (:hash, :member, :name, :scopes)
      ON CONFLICT DO UPDATE SET member = excluded.member, name = excluded.name, scopes = excluded.scopes`),
    token: db.prepare('SELECT * FROM tokens WHERE hash = ?'),
  }
}

export type Statements = ReturnType<typeof prepareStatements>
