/** "CcNd" */
export const applicationId = 0x43634e64
export const schemaVersion = 4

/**
 * Leaves, rows and groups are wider than a twentieth of a page, so these tables keep their rowid: without one, measured
 * with leaves of 1.6 kB, the file is twice as large and writing is slower. `rows` keys and entry ids come in random order.
 */
export const schema = `
  CREATE TABLE registers (
    number INTEGER PRIMARY KEY,
    id TEXT NOT NULL UNIQUE,
    settings TEXT NOT NULL,
    term INTEGER, size INTEGER, root TEXT, time INTEGER,
    cursor INTEGER NOT NULL DEFAULT 0,
    cosigned TEXT
  ) STRICT;

  CREATE TABLE leaves (
    register INTEGER NOT NULL REFERENCES registers,
    idx INTEGER NOT NULL,
    id TEXT NOT NULL,
    case_id TEXT,
    leaf TEXT NOT NULL,
    PRIMARY KEY (register, idx)
  ) STRICT;
  CREATE UNIQUE INDEX leaves_by_id ON leaves (register, id);
  CREATE INDEX leaves_of_governance ON leaves (register, idx) WHERE case_id IS NULL;

  CREATE TABLE tiles (
    register INTEGER NOT NULL REFERENCES registers,
    level INTEGER NOT NULL,
    n INTEGER NOT NULL,
    hashes BLOB NOT NULL,
    PRIMARY KEY (register, level, n)
  ) STRICT;

  CREATE TABLE rows (
    register INTEGER NOT NULL REFERENCES registers,
    key TEXT NOT NULL,
    body TEXT NOT NULL,
    PRIMARY KEY (register, key)
  ) STRICT;

  CREATE TABLE undo (
    register INTEGER NOT NULL REFERENCES registers,
    size INTEGER NOT NULL,
    end INTEGER NOT NULL,
    key TEXT NOT NULL,
    body TEXT,
    PRIMARY KEY (register, size, key)
  ) STRICT;

  CREATE TABLE dropped_leaves (
    register INTEGER NOT NULL REFERENCES registers,
    until INTEGER NOT NULL,
    idx INTEGER NOT NULL,
    leaf TEXT NOT NULL,
    PRIMARY KEY (register, until, idx)
  ) STRICT;

  CREATE TABLE certificates (
    register INTEGER NOT NULL REFERENCES registers,
    size INTEGER NOT NULL,
    note TEXT NOT NULL,
    boundary INTEGER NOT NULL,
    PRIMARY KEY (register, size)
  ) STRICT;

  CREATE TABLE documents (
    hash TEXT PRIMARY KEY,
    body TEXT NOT NULL
  ) STRICT;

  CREATE TABLE submissions (
    number INTEGER PRIMARY KEY AUTOINCREMENT,
    register INTEGER NOT NULL REFERENCES registers,
    id TEXT NOT NULL,
    jws TEXT NOT NULL,
    kind TEXT NOT NULL,
    case_id TEXT,
    iat INTEGER NOT NULL,
    idempotency TEXT NOT NULL,
    request TEXT NOT NULL,
    state TEXT NOT NULL CHECK (state IN ('pending', 'committed', 'refused')),
    idx INTEGER,
    refusal TEXT,
    UNIQUE (register, id),
    UNIQUE (register, idempotency)
  ) STRICT;
  CREATE INDEX submissions_pending ON submissions (register, number) WHERE state = 'pending';

  CREATE TABLE cases (
    register INTEGER NOT NULL REFERENCES registers,
    case_id TEXT NOT NULL,
    blueprint TEXT NOT NULL,
    roles TEXT NOT NULL,
    started_at INTEGER NOT NULL,
    changed_at INTEGER NOT NULL,
    ended INTEGER NOT NULL,
    due_at INTEGER,
    PRIMARY KEY (register, case_id)
  ) STRICT;
  CREATE INDEX cases_by_change ON cases (register, changed_at);
  CREATE INDEX cases_due ON cases (register, due_at) WHERE due_at IS NOT NULL;

  CREATE TABLE inbox (
    register INTEGER NOT NULL REFERENCES registers,
    case_id TEXT NOT NULL,
    kind TEXT NOT NULL CHECK (kind IN ('act', 'confirm', 'resolve')),
    step TEXT NOT NULL,
    role TEXT NOT NULL,
    prev TEXT NOT NULL,
    record TEXT,
    dispute TEXT,
    since INTEGER NOT NULL,
    due INTEGER
  ) STRICT;
  CREATE INDEX inbox_by_case ON inbox (register, case_id);
  CREATE INDEX inbox_by_age ON inbox (register, since);

  CREATE TABLE deliveries (
    register INTEGER NOT NULL REFERENCES registers,
    record TEXT NOT NULL,
    role TEXT NOT NULL,
    authorised_by TEXT NOT NULL,
    member TEXT NOT NULL,
    case_id TEXT NOT NULL,
    groups TEXT NOT NULL,
    state TEXT NOT NULL CHECK (state IN ('due', 'acknowledged', 'erased')),
    attempts INTEGER NOT NULL,
    due_at INTEGER NOT NULL,
    PRIMARY KEY (register, record, role, authorised_by)
  ) STRICT;
  CREATE INDEX deliveries_due ON deliveries (register, member, due_at) WHERE state = 'due';
  CREATE INDEX deliveries_by_case ON deliveries (register, case_id);

  CREATE TABLE receipts (
    register INTEGER NOT NULL REFERENCES registers,
    record TEXT NOT NULL,
    role TEXT NOT NULL,
    authorised_by TEXT NOT NULL,
    sender TEXT NOT NULL,
    case_id TEXT NOT NULL,
    groups TEXT NOT NULL,
    state TEXT NOT NULL CHECK (state IN ('awaited', 'opened', 'erased')),
    verdict TEXT,
    PRIMARY KEY (register, record, role, authorised_by)
  ) STRICT;
  CREATE INDEX receipts_by_case ON receipts (register, case_id);
  CREATE INDEX receipts_awaited ON receipts (register, sender) WHERE state = 'awaited';

  CREATE TABLE sealed_groups (
    register INTEGER NOT NULL REFERENCES registers,
    record TEXT NOT NULL,
    role TEXT NOT NULL,
    idx INTEGER NOT NULL,
    case_id TEXT NOT NULL,
    vault_key TEXT NOT NULL,
    wrapped_key BLOB NOT NULL,
    sealed BLOB NOT NULL,
    PRIMARY KEY (register, record, role, idx)
  ) STRICT;
  CREATE INDEX sealed_groups_by_case ON sealed_groups (register, case_id);
  CREATE INDEX sealed_groups_by_vault_key ON sealed_groups (vault_key);

  CREATE TABLE retired_vault_keys (
    vault_key TEXT PRIMARY KEY,
    register INTEGER NOT NULL REFERENCES registers,
    case_id TEXT NOT NULL
  ) STRICT, WITHOUT ROWID;
  CREATE INDEX retired_vault_keys_by_case ON retired_vault_keys (register, case_id);

  CREATE TABLE owed_erasures (
    register INTEGER NOT NULL REFERENCES registers,
    case_id TEXT NOT NULL,
    recall TEXT NOT NULL,
    opened INTEGER,
    due_at INTEGER,
    PRIMARY KEY (register, case_id, recall)
  ) STRICT, WITHOUT ROWID;
  CREATE INDEX owed_erasures_due ON owed_erasures (register, due_at) WHERE due_at IS NOT NULL;

  CREATE TABLE tokens (
    hash TEXT PRIMARY KEY,
    member TEXT NOT NULL,
    name TEXT NOT NULL,
    scopes TEXT NOT NULL
  ) STRICT;

  PRAGMA application_id = ${applicationId};
  PRAGMA user_version = ${schemaVersion};
`
