-- The third layout: sealed secrets of connections, what is connected, and the audit log.

CREATE TABLE sealed_secrets (
    connection TEXT    NOT NULL,
    field      TEXT    NOT NULL,
    key_id     TEXT    NOT NULL,
    nonce      BLOB    NOT NULL CHECK (length(nonce) = 24),
    ciphertext BLOB    NOT NULL CHECK (length(ciphertext) >= 16),
    sealed_at  INTEGER NOT NULL,
    PRIMARY KEY (connection, field)
) STRICT, WITHOUT ROWID;

CREATE TABLE connection_cards (
    connection      TEXT    NOT NULL PRIMARY KEY,
    method          TEXT    NOT NULL,
    username        TEXT,
    user_id         TEXT,
    organization_id TEXT,
    instance_url    TEXT,
    scopes          TEXT    NOT NULL,
    connected_at    INTEGER NOT NULL,
    refreshed_at    INTEGER,
    refresh_begun   INTEGER NOT NULL CHECK (refresh_begun IN (0, 1)),
    refresh_rotates INTEGER CHECK (refresh_rotates IN (0, 1)),
    refresh_refused INTEGER NOT NULL CHECK (refresh_refused IN (0, 1))
) STRICT, WITHOUT ROWID;

CREATE TABLE audit_entries (
    seq      INTEGER NOT NULL PRIMARY KEY CHECK (seq > 0),
    at       INTEGER NOT NULL,
    action   TEXT    NOT NULL,
    subject  TEXT    NOT NULL,
    actor    TEXT    NOT NULL,
    details  TEXT    NOT NULL,
    previous BLOB    NOT NULL CHECK (length(previous) = 32),
    hash     BLOB    NOT NULL CHECK (length(hash) = 32)
) STRICT;

CREATE TABLE audit_head (
    one   INTEGER NOT NULL PRIMARY KEY CHECK (one = 1),
    count INTEGER NOT NULL CHECK (count > 0),
    hash  BLOB    NOT NULL CHECK (length(hash) = 32)
) STRICT;

-- Whoever drops these triggers can change the log, and breaks its chain of hashes.
CREATE TRIGGER audit_entries_are_not_changed BEFORE UPDATE ON audit_entries
BEGIN SELECT RAISE(ABORT, 'the audit log is append-only'); END;

CREATE TRIGGER audit_entries_are_not_removed BEFORE DELETE ON audit_entries
BEGIN SELECT RAISE(ABORT, 'the audit log is append-only'); END;

-- REPLACE removes a row without asking the trigger above.
CREATE TRIGGER audit_entries_are_appended BEFORE INSERT ON audit_entries
WHEN NEW.seq <= (SELECT coalesce(max(seq), 0) FROM audit_entries)
BEGIN SELECT RAISE(ABORT, 'the audit log is append-only'); END;

CREATE TRIGGER audit_head_goes_forward BEFORE UPDATE ON audit_head
WHEN NEW.count <= OLD.count
BEGIN SELECT RAISE(ABORT, 'the audit log is append-only'); END;

CREATE TRIGGER audit_head_is_not_removed BEFORE DELETE ON audit_head
BEGIN SELECT RAISE(ABORT, 'the audit log is append-only'); END;

CREATE TRIGGER audit_head_is_not_replaced BEFORE INSERT ON audit_head
WHEN EXISTS (SELECT 1 FROM audit_head WHERE count >= NEW.count)
BEGIN SELECT RAISE(ABORT, 'the audit log is append-only'); END;
