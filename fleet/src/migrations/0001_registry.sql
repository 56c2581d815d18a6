-- Who there is. Times are timestamptz; what a kiosk said is kept as it said it.

CREATE TABLE tenant (
    id          text PRIMARY KEY CHECK (id ~ '^[a-z0-9]{1,16}$'),
    name        text NOT NULL,
    created_at  timestamptz NOT NULL DEFAULT now()
);

CREATE TABLE site (
    tenant      text NOT NULL REFERENCES tenant,
    id          text NOT NULL CHECK (id ~ '^[a-z0-9-]{1,32}$'),
    name        text NOT NULL,
    time_zone   text NOT NULL DEFAULT 'UTC',
    created_at  timestamptz NOT NULL DEFAULT now(),
    PRIMARY KEY (tenant, id)
);

-- A kiosk's id is the CN of its certificate and a level of its topics.
CREATE TABLE kiosk (
    id          text PRIMARY KEY CHECK (id ~ '^[a-z0-9.-]{1,64}$' AND id <> 'fleetd'),
    tenant      text NOT NULL,
    site        text NOT NULL,
    name        text NOT NULL DEFAULT '',
    state       text NOT NULL DEFAULT 'active' CHECK (state IN ('active', 'decommissioned')),
    tags        text[] NOT NULL DEFAULT '{}',
    created_at  timestamptz NOT NULL DEFAULT now(),
    -- The newest birth or heartbeat.
    is_on       boolean NOT NULL DEFAULT false,
    boot        bigint NOT NULL DEFAULT 0,
    conn        bigint NOT NULL DEFAULT 0,
    version     text NOT NULL DEFAULT '',
    status      jsonb NOT NULL DEFAULT '{}',
    last_seen   timestamptz,
    went_off    timestamptz,
    FOREIGN KEY (tenant, site) REFERENCES site
);

CREATE INDEX kiosk_by_site ON kiosk (tenant, site);

-- Which tenant a kiosk belongs to, whoever asks: a worker learns it before it can say for which tenant it works.
CREATE FUNCTION kiosk_owner(ids text[]) RETURNS TABLE (id text, tenant text, site text, state text)
LANGUAGE sql STABLE SECURITY DEFINER SET search_path = public
AS $$ SELECT id, tenant, site, state FROM kiosk WHERE id = ANY (ids) $$;
