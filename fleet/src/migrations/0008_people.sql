-- People with passwords, and what part of a tenant somebody may see.

CREATE TABLE person (
    id          uuid PRIMARY KEY,
    tenant      text NOT NULL REFERENCES tenant,
    -- Of all tenants: whoever logs in says nothing else.
    name        text NOT NULL UNIQUE CHECK (name ~ '^[a-z0-9._@+-]{1,100}$'),
    role        text NOT NULL CHECK (role IN ('admin', 'operator', 'analyst', 'technician')),
    -- NULL: the whole tenant.
    sites       text[] CHECK (sites IS NULL OR (cardinality(sites) > 0 AND role <> 'admin')),
    -- Argon2id, in the PHC string format.
    password    text NOT NULL,
    -- Sessions of another epoch are over.
    epoch       bigint NOT NULL DEFAULT 1,
    created_at  timestamptz NOT NULL DEFAULT now(),
    created_by  text NOT NULL,
    disabled_at timestamptz,
    last_login  timestamptz
);

ALTER TABLE api_token ADD COLUMN sites text[]
    CHECK (sites IS NULL OR (cardinality(sites) > 0 AND role <> 'admin'));

-- Who somebody says to be, whoever asks: the tenant is learnt from it.
CREATE FUNCTION person_by_name(wanted text)
RETURNS TABLE (id uuid, tenant text, name text, role text, sites text[], password text, epoch bigint)
LANGUAGE sql STABLE SECURITY DEFINER SET search_path = public
AS $$ SELECT id, tenant, name, role, sites, password, epoch FROM person WHERE name = wanted AND disabled_at IS NULL $$;

CREATE FUNCTION person_of_session(wanted uuid, session_epoch bigint)
RETURNS TABLE (tenant text, name text, role text, sites text[])
LANGUAGE sql STABLE SECURITY DEFINER SET search_path = public
AS $$ SELECT tenant, name, role, sites FROM person
      WHERE id = wanted AND epoch = session_epoch AND disabled_at IS NULL $$;

DROP FUNCTION token_owner;
CREATE FUNCTION token_owner(wanted bytea)
RETURNS TABLE (id uuid, tenant text, name text, role text, sites text[])
LANGUAGE sql STABLE SECURITY DEFINER SET search_path = public
AS $$ SELECT id, tenant, name, role, sites FROM api_token
      WHERE hash = wanted AND revoked_at IS NULL AND (expires_at IS NULL OR expires_at > now()) $$;

-- Wrong passwords, of all tenants, by name and peer.
CREATE TABLE login_miss (
    at          timestamptz NOT NULL DEFAULT now(),
    peer        text NOT NULL,
    name        bytea NOT NULL
);

CREATE INDEX login_miss_by_time ON login_miss (at);

ALTER TABLE person ENABLE ROW LEVEL SECURITY;
CREATE POLICY tenant ON person TO fleet_app USING (tenant = current_setting('app.tenant'));
GRANT SELECT, INSERT, UPDATE ON person TO fleet_app;
GRANT SELECT, INSERT, DELETE ON login_miss TO fleet_app;
REVOKE EXECUTE ON FUNCTION person_by_name, person_of_session, token_owner FROM PUBLIC;
GRANT EXECUTE ON FUNCTION person_by_name, person_of_session, token_owner TO fleet_app;

-- Whether the transaction sees a site. An unset or empty app.sites sees all: ingest and people of the whole
-- tenant. PostgreSQL leaves an empty setting behind where one was set for a transaction.
CREATE FUNCTION sees_site(site text) RETURNS boolean
LANGUAGE sql STABLE
AS $$ SELECT coalesce(current_setting('app.sites', true), '') = ''
          OR site = ANY (string_to_array(current_setting('app.sites', true), ',')) $$;

-- The policy on kiosk itself answers which kiosks that are.
CREATE FUNCTION sees_kiosk(wanted text) RETURNS boolean
LANGUAGE sql STABLE
AS $$ SELECT coalesce(current_setting('app.sites', true), '') = ''
          OR EXISTS (SELECT FROM kiosk WHERE kiosk.id = wanted) $$;

DO $$
DECLARE
    t text;
BEGIN
    FOREACH t IN ARRAY ARRAY['kiosk', 'sale', 'stock', 'stock_move', 'task', 'enrolment_code']
    LOOP
        EXECUTE format('CREATE POLICY site ON %I AS RESTRICTIVE TO fleet_app USING (sees_site(site))', t);
    END LOOP;
    FOREACH t IN ARRAY ARRAY['event', 'stream', 'quarantine', 'payment', 'twin', 'job', 'certificate']
    LOOP
        EXECUTE format('CREATE POLICY site ON %I AS RESTRICTIVE TO fleet_app USING (sees_kiosk(kiosk))', t);
    END LOOP;
    CREATE POLICY site ON job_file AS RESTRICTIVE TO fleet_app USING (
        coalesce(current_setting('app.sites', true), '') = ''
        OR EXISTS (SELECT FROM job j WHERE j.id = job_file.job));
    CREATE POLICY site ON site AS RESTRICTIVE TO fleet_app USING (sees_site(id));
END $$;
