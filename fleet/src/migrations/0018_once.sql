-- Requests with an Idempotency-Key, for a day. A row is written with the work; without an answer the answer was lost,
-- or is told to nobody twice.

DROP TABLE job_request;

CREATE TABLE once (
    tenant      text NOT NULL,
    -- A person's name or a token's id: two tokens may have one name.
    asker       text NOT NULL,
    key         text NOT NULL,
    fingerprint bytea NOT NULL,
    attempt     uuid NOT NULL,
    status      smallint,
    kind        text,
    body        bytea,
    asked_at    timestamptz NOT NULL DEFAULT now(),
    PRIMARY KEY (tenant, asker, key)
);

CREATE INDEX once_by_age ON once (asked_at);

ALTER TABLE once ENABLE ROW LEVEL SECURITY;
CREATE POLICY tenant ON once TO fleet_app USING (tenant = (SELECT current_setting('app.tenant')));
GRANT SELECT, INSERT, UPDATE, DELETE ON once TO fleet_app;
