-- Facts, catalogs and the sync cursor. Money is in minor units, times are ms since 1970 UTC.

CREATE TABLE identity (
    one      INTEGER PRIMARY KEY CHECK (one = 1),
    kiosk    TEXT    NOT NULL,
    boots    INTEGER NOT NULL
) STRICT;

-- The log. Append only: no UPDATE, no DELETE but by retention of acknowledged rows.
CREATE TABLE event (
    epoch    INTEGER NOT NULL,
    seq      INTEGER NOT NULL,
    id       BLOB    NOT NULL CHECK (length(id) = 16),
    kind     TEXT    NOT NULL,
    version  INTEGER NOT NULL,
    wall_ms  INTEGER NOT NULL,
    hlc      INTEGER NOT NULL,
    boot     INTEGER NOT NULL,
    mono_ms  INTEGER NOT NULL,
    clock    INTEGER NOT NULL,
    body     TEXT    NOT NULL,
    hash     BLOB    NOT NULL CHECK (length(hash) = 32),
    PRIMARY KEY (epoch, seq)
) STRICT, WITHOUT ROWID;

CREATE TRIGGER event_is_never_changed BEFORE UPDATE ON event
BEGIN SELECT raise(ABORT, 'events are never changed'); END;

-- How far the fleet has acknowledged each epoch.
CREATE TABLE sync_cursor (
    epoch    INTEGER PRIMARY KEY,
    acked    INTEGER NOT NULL
) STRICT;

-- What the fleet said about single events, where it was not a plain yes.
CREATE TABLE verdict (
    event_id BLOB PRIMARY KEY CHECK (length(event_id) = 16),
    code     TEXT    NOT NULL,
    detail   TEXT    NOT NULL,
    at_ms    INTEGER NOT NULL
) STRICT, WITHOUT ROWID;

-- Complete, checked catalog documents. At most one is active; switching is one UPDATE in one transaction.
CREATE TABLE catalog_snapshot (
    sha256   BLOB PRIMARY KEY CHECK (length(sha256) = 32),
    rev      INTEGER NOT NULL,
    document BLOB    NOT NULL,
    added_ms INTEGER NOT NULL
) STRICT, WITHOUT ROWID;

CREATE TABLE catalog_active (
    one      INTEGER PRIMARY KEY CHECK (one = 1),
    sha256   BLOB    NOT NULL REFERENCES catalog_snapshot (sha256)
) STRICT;

-- Projections: what people ask for, derived from the log and rebuilt from it when in doubt.
CREATE TABLE order_row (
    id            BLOB PRIMARY KEY CHECK (length(id) = 16),
    epoch         INTEGER NOT NULL,
    placed_seq    INTEGER NOT NULL,
    number        TEXT    NOT NULL,
    placed_ms     INTEGER NOT NULL,
    business_date TEXT    NOT NULL,
    mode          TEXT    NOT NULL,
    currency      TEXT    NOT NULL,
    exponent      INTEGER NOT NULL,
    total         INTEGER NOT NULL,
    pieces        INTEGER NOT NULL,
    state         TEXT    NOT NULL,
    fiscal_series INTEGER,
    fiscal_n      INTEGER,
    paid_ms       INTEGER,
    refunded      INTEGER NOT NULL DEFAULT 0
) STRICT, WITHOUT ROWID;

CREATE INDEX order_by_time ON order_row (placed_ms);

CREATE TABLE payment_row (
    id       BLOB PRIMARY KEY CHECK (length(id) = 16),
    order_id BLOB    NOT NULL,
    tender   TEXT    NOT NULL,
    amount   INTEGER NOT NULL,
    tip      INTEGER NOT NULL,
    state    TEXT    NOT NULL,
    at_ms    INTEGER NOT NULL
) STRICT, WITHOUT ROWID;

CREATE INDEX payment_by_order ON payment_row (order_id);
