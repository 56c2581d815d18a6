-- Machines that show a code and wait for somebody to take them in. A claim is bound to the machine's key: whoever
-- reads the code from the screen can take that machine in, and can become no kiosk with it.

CREATE TABLE claim (
    -- SHA-256 of what only the machine knows.
    secret      bytea PRIMARY KEY,
    code        bytea NOT NULL UNIQUE,
    csr         text NOT NULL,
    hardware    text NOT NULL,
    version     text NOT NULL,
    peer        text NOT NULL,
    opened_at   timestamptz NOT NULL DEFAULT now(),
    expires_at  timestamptz NOT NULL,
    -- From here on: what somebody decided.
    tenant      text,
    site        text,
    name        text,
    tags        text[],
    approved_by text,
    -- An existing kiosk that the machine becomes; or the one it became, so that a lost answer can be given again.
    kiosk       text,
    FOREIGN KEY (tenant, site) REFERENCES site
);

CREATE INDEX claim_by_time ON claim (expires_at);
CREATE INDEX claim_by_peer ON claim (peer, opened_at);

-- Nobody's until somebody takes it in, so no tenant confines it; whoever asks has to know code or secret.
GRANT SELECT, INSERT, UPDATE, DELETE ON claim TO fleet_app;
