-- The sixth layout: an event by which an opt-out is taken back.

CREATE TABLE engagements_with_opt_ins (
    id       TEXT    NOT NULL PRIMARY KEY,
    profile  TEXT    NOT NULL,
    kind     TEXT    NOT NULL CHECK (kind IN ('sent', 'delivered', 'read', 'replied', 'opted_out', 'opted_in')),
    at       INTEGER NOT NULL,
    campaign TEXT
) STRICT, WITHOUT ROWID;

INSERT INTO engagements_with_opt_ins SELECT id, profile, kind, at, campaign FROM engagements;
DROP TABLE engagements;
ALTER TABLE engagements_with_opt_ins RENAME TO engagements;

-- With the kind at its end the index alone answers for a summary.
CREATE INDEX engagements_by_profile ON engagements (profile, at, id, kind);
