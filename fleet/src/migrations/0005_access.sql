-- Who may do what, who did what, and who may become a kiosk.

CREATE TABLE api_token (
    id          uuid PRIMARY KEY,
    tenant      text NOT NULL REFERENCES tenant,
    name        text NOT NULL,
    role        text NOT NULL CHECK (role IN ('admin', 'operator', 'analyst', 'technician')),
    -- SHA-256: the token itself is known only to its holder.
    hash        bytea NOT NULL UNIQUE,
    created_at  timestamptz NOT NULL DEFAULT now(),
    created_by  text NOT NULL,
    expires_at  timestamptz,
    revoked_at  timestamptz
);

-- Whose a token is, whoever asks: the tenant is learnt from it.
CREATE FUNCTION token_owner(wanted bytea) RETURNS TABLE (id uuid, tenant text, name text, role text)
LANGUAGE sql STABLE SECURITY DEFINER SET search_path = public
AS $$ SELECT id, tenant, name, role FROM api_token
      WHERE hash = wanted AND revoked_at IS NULL AND (expires_at IS NULL OR expires_at > now()) $$;

-- Every change by a person, in a chain of hashes a tenant. Only ever appended.
CREATE TABLE audit (
    tenant      text NOT NULL,
    n           bigint NOT NULL,
    at_ms       bigint NOT NULL,
    actor       text NOT NULL,
    action      text NOT NULL,
    subject     text NOT NULL,
    -- As it was hashed.
    detail      text NOT NULL,
    hash        bytea NOT NULL,
    PRIMARY KEY (tenant, n)
);

CREATE TABLE enrolment_code (
    hash        bytea PRIMARY KEY,
    tenant      text NOT NULL,
    site        text NOT NULL,
    -- NULL: a new kiosk. Else this one gets a certificate anew.
    kiosk       text,
    name        text NOT NULL,
    tags        text[] NOT NULL,
    created_by  text NOT NULL,
    expires_at  timestamptz NOT NULL,
    used_at     timestamptz,
    FOREIGN KEY (tenant, site) REFERENCES site
);

-- Wrong codes, of all tenants: whoever guesses belongs to none.
CREATE TABLE enrolment_miss (
    at          timestamptz NOT NULL DEFAULT now(),
    peer        text NOT NULL,
    prefix      text NOT NULL
);

CREATE INDEX enrolment_miss_by_time ON enrolment_miss (at);

-- Takes a code, once. Whoever has it does not know its tenant.
CREATE FUNCTION take_enrolment_code(wanted bytea)
RETURNS TABLE (tenant text, site text, kiosk text, name text, tags text[], created_by text)
LANGUAGE sql VOLATILE SECURITY DEFINER SET search_path = public
AS $$ UPDATE enrolment_code SET used_at = now()
      WHERE hash = wanted AND used_at IS NULL AND expires_at > now()
      RETURNING tenant, site, kiosk, name, tags, created_by $$;

ALTER TABLE kiosk ADD COLUMN hardware text NOT NULL DEFAULT '';

-- Numbers of a tenant's kiosks, never given twice.
CREATE TABLE kiosk_number (
    tenant      text PRIMARY KEY REFERENCES tenant,
    last        bigint NOT NULL
);

CREATE TABLE certificate (
    serial      text PRIMARY KEY CHECK (serial ~ '^[0-9a-f]{32}$'),
    tenant      text NOT NULL,
    kiosk       text NOT NULL REFERENCES kiosk,
    key_id      text NOT NULL,
    pem         text NOT NULL,
    issued_at   timestamptz NOT NULL DEFAULT now(),
    expires_at  timestamptz NOT NULL,
    revoked_at  timestamptz,
    reason      text
);

CREATE INDEX certificate_by_kiosk ON certificate (kiosk, issued_at);
CREATE INDEX certificate_by_key ON certificate (key_id);

-- Whose a certificate is and whether it counts, for the door.
CREATE FUNCTION certificate_owner(wanted text) RETURNS TABLE (kiosk text, tenant text, site text)
LANGUAGE sql STABLE SECURITY DEFINER SET search_path = public
AS $$ SELECT k.id, k.tenant, k.site FROM certificate c JOIN kiosk k ON k.id = c.kiosk
      WHERE c.serial = wanted AND c.revoked_at IS NULL AND k.state = 'active' $$;

-- All that is revoked and would otherwise still be good, of all tenants: one list for one broker.
CREATE FUNCTION revoked_certificates() RETURNS TABLE (serial text, at_s bigint, reason text)
LANGUAGE sql STABLE SECURITY DEFINER SET search_path = public
AS $$ SELECT serial, extract(epoch FROM revoked_at)::bigint, reason FROM certificate
      WHERE revoked_at IS NOT NULL AND expires_at > now() - interval '1 day' $$;

CREATE SEQUENCE revocation_list;

-- Numbers of lists grow with time, because a start without a database makes lists, too.
CREATE FUNCTION next_revocation_list() RETURNS bigint
LANGUAGE sql VOLATILE SECURITY DEFINER SET search_path = public
AS $$ SELECT setval('revocation_list', greatest(nextval('revocation_list'), extract(epoch FROM now())::bigint)) $$;

DO $$
DECLARE
    t text;
BEGIN
    FOREACH t IN ARRAY ARRAY['api_token', 'audit', 'enrolment_code', 'kiosk_number', 'certificate']
    LOOP
        EXECUTE format('ALTER TABLE %I ENABLE ROW LEVEL SECURITY', t);
        EXECUTE format('CREATE POLICY tenant ON %I TO fleet_app USING (tenant = current_setting(''app.tenant''))', t);
        EXECUTE format('GRANT SELECT, INSERT, UPDATE ON %I TO fleet_app', t);
    END LOOP;
END $$;

REVOKE UPDATE ON audit FROM fleet_app;
GRANT SELECT, INSERT, DELETE ON enrolment_miss TO fleet_app;
REVOKE EXECUTE ON FUNCTION token_owner, take_enrolment_code, certificate_owner,
    revoked_certificates, next_revocation_list FROM PUBLIC;
GRANT EXECUTE ON FUNCTION token_owner, take_enrolment_code, certificate_owner,
    revoked_certificates, next_revocation_list TO fleet_app;
