-- The fourth layout: the send ledger, those who must not be written to, webhooks, and settled times of schedules.

-- How many of the suppressed were not sent because their time had passed; the check of the table counts both together.
ALTER TABLE runs ADD COLUMN expired INTEGER NOT NULL DEFAULT 0;

CREATE TABLE campaigns (
    name     TEXT    NOT NULL PRIMARY KEY,
    state    TEXT    NOT NULL CHECK (state IN ('running', 'paused', 'stopped')),
    reason   TEXT,
    template TEXT    NOT NULL,
    content  BLOB    NOT NULL CHECK (length(content) = 32),
    began_at INTEGER NOT NULL,
    at       INTEGER NOT NULL
) STRICT, WITHOUT ROWID;

CREATE INDEX campaigns_by_template ON campaigns (template);

CREATE TABLE messages (
    id          TEXT    NOT NULL PRIMARY KEY,
    campaign    TEXT    NOT NULL REFERENCES campaigns (name),
    connection  TEXT    NOT NULL,
    pipeline    TEXT    NOT NULL,
    run_id      TEXT    NOT NULL REFERENCES runs (id),
    profile     TEXT    NOT NULL,
    record      TEXT    NOT NULL,
    masked      TEXT    NOT NULL,
    payload     TEXT,
    state       TEXT    NOT NULL CHECK (state IN ('planned', 'dispatching', 'refused', 'suppressed', 'expired',
                    'unknown', 'accepted', 'failed', 'sent', 'delivered', 'read')),
    not_before  INTEGER NOT NULL,
    hold        TEXT,
    expires_at  INTEGER,
    attempts    INTEGER NOT NULL DEFAULT 0,
    reserved_at INTEGER,
    wamid       TEXT,
    reason      TEXT,
    at          INTEGER NOT NULL,
    -- What may still be sent is known, and what is planned never left.
    CHECK (payload IS NOT NULL OR state NOT IN ('planned', 'dispatching', 'unknown')),
    CHECK (reserved_at IS NOT NULL OR state IN ('planned', 'refused', 'suppressed', 'expired'))
) STRICT;

CREATE INDEX messages_planned ON messages (pipeline, not_before, id) WHERE state = 'planned';
CREATE INDEX messages_dispatching ON messages (pipeline) WHERE state = 'dispatching';
CREATE INDEX messages_by_campaign ON messages (campaign, state);
CREATE INDEX messages_by_state ON messages (state, id);
CREATE INDEX messages_reserved ON messages (connection, reserved_at) WHERE reserved_at IS NOT NULL;
CREATE UNIQUE INDEX messages_by_wamid ON messages (wamid) WHERE wamid IS NOT NULL;

-- A person has one message a campaign, by whichever of their identities.
CREATE TABLE message_identities (
    campaign TEXT NOT NULL,
    identity BLOB NOT NULL CHECK (length(identity) = 32),
    message  TEXT NOT NULL REFERENCES messages (id),
    PRIMARY KEY (campaign, identity)
) STRICT, WITHOUT ROWID;

CREATE INDEX message_identities_by_identity ON message_identities (identity, message);
CREATE INDEX message_identities_by_message ON message_identities (message);

-- Several profiles may share one phone: each gets the events.
CREATE TABLE message_people (
    message TEXT NOT NULL REFERENCES messages (id),
    profile TEXT NOT NULL,
    PRIMARY KEY (message, profile)
) STRICT, WITHOUT ROWID;

-- Statuses of messages whose own answer has not been seen so far.
CREATE TABLE parked_statuses (
    wamid   TEXT    NOT NULL,
    kind    TEXT    NOT NULL,
    at      INTEGER NOT NULL,
    reason  TEXT,
    kept_at INTEGER NOT NULL,
    PRIMARY KEY (wamid, kind)
) STRICT, WITHOUT ROWID;

CREATE TABLE suppressions (
    identity BLOB    NOT NULL PRIMARY KEY CHECK (length(identity) = 32),
    scope    TEXT    NOT NULL CHECK (scope IN ('marketing', 'all')),
    reason   TEXT    NOT NULL,
    source   TEXT    NOT NULL,
    at       INTEGER NOT NULL,
    until    INTEGER
) STRICT, WITHOUT ROWID;

CREATE TABLE rests (
    identity BLOB    NOT NULL PRIMARY KEY CHECK (length(identity) = 32),
    until    INTEGER NOT NULL,
    times    INTEGER NOT NULL CHECK (times > 0)
) STRICT, WITHOUT ROWID;

-- What tells the key of those hashes from another.
CREATE TABLE identity_key (
    one      INTEGER NOT NULL PRIMARY KEY CHECK (one = 1),
    checksum BLOB    NOT NULL CHECK (length(checksum) = 32)
) STRICT;

-- Bodies are forgotten when they are understood; the digest stays for as long as Meta may deliver the same again.
CREATE TABLE webhooks (
    seq           INTEGER NOT NULL PRIMARY KEY AUTOINCREMENT,
    connection    TEXT    NOT NULL,
    at            INTEGER NOT NULL,
    digest        BLOB    NOT NULL UNIQUE CHECK (length(digest) = 32),
    body          BLOB,
    understood_at INTEGER,
    unreadable    TEXT
) STRICT;

CREATE INDEX webhooks_waiting ON webhooks (seq) WHERE understood_at IS NULL;
CREATE INDEX webhooks_by_time ON webhooks (at);

CREATE TABLE ticks (
    pipeline TEXT    NOT NULL PRIMARY KEY,
    settled  INTEGER NOT NULL
) STRICT, WITHOUT ROWID;

-- Of a token its hash alone; it has 256 random bits.
CREATE TABLE api_tokens (
    name       TEXT    NOT NULL PRIMARY KEY,
    hash       BLOB    NOT NULL UNIQUE CHECK (length(hash) = 32),
    role       TEXT    NOT NULL CHECK (role IN ('viewer', 'ingest', 'operator')),
    created_at INTEGER NOT NULL,
    expires_at INTEGER
) STRICT;

CREATE TABLE api_answers (
    caller  TEXT    NOT NULL,
    key     TEXT    NOT NULL,
    request BLOB    NOT NULL CHECK (length(request) = 32),
    status  INTEGER NOT NULL,
    body    TEXT    NOT NULL,
    at      INTEGER NOT NULL,
    PRIMARY KEY (caller, key)
) STRICT, WITHOUT ROWID;

CREATE INDEX api_answers_by_time ON api_answers (at);
