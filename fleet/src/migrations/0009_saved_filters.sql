-- Filters with a name, for all of a tenant: `@name` in any other filter.

CREATE TABLE saved_filter (
    tenant      text NOT NULL REFERENCES tenant,
    name        text NOT NULL CHECK (name ~ '^[a-z0-9-]{1,32}$'),
    filter      text NOT NULL,
    saved_at    timestamptz NOT NULL DEFAULT now(),
    saved_by    text NOT NULL,
    PRIMARY KEY (tenant, name)
);

ALTER TABLE saved_filter ENABLE ROW LEVEL SECURITY;
CREATE POLICY tenant ON saved_filter TO fleet_app USING (tenant = current_setting('app.tenant'));
GRANT SELECT, INSERT, UPDATE, DELETE ON saved_filter TO fleet_app;
