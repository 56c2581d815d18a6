-- Where each audit log ends. Whoever cuts entries off does not know how many there were: this only ever grows, and
-- only the trigger writes it. Whoever owns the tables can change it, too; what was printed elsewhere they cannot.

CREATE TABLE audit_end (
    tenant      text PRIMARY KEY,
    -- Ever written, whatever is left of them.
    entries     bigint NOT NULL,
    -- Of the newest.
    hash        bytea NOT NULL
);

INSERT INTO audit_end (tenant, entries, hash)
SELECT DISTINCT ON (tenant) tenant, count(*) OVER (PARTITION BY tenant), hash FROM audit ORDER BY tenant, n DESC;

CREATE FUNCTION audit_grows() RETURNS trigger
LANGUAGE plpgsql SECURITY DEFINER SET search_path = public
AS $$
BEGIN
    INSERT INTO audit_end AS e (tenant, entries, hash) VALUES (NEW.tenant, 1, NEW.hash)
    ON CONFLICT (tenant) DO UPDATE SET entries = e.entries + 1, hash = excluded.hash;
    RETURN NULL;
END $$;

CREATE TRIGGER audit_grows AFTER INSERT ON audit FOR EACH ROW EXECUTE FUNCTION audit_grows();

-- Of all tenants, for the log of the program.
CREATE FUNCTION audit_ends() RETURNS TABLE (tenant text, entries bigint, hash text)
LANGUAGE sql STABLE SECURITY DEFINER SET search_path = public
AS $$ SELECT tenant, entries, encode(hash, 'hex') FROM audit_end ORDER BY tenant $$;

ALTER TABLE audit_end ENABLE ROW LEVEL SECURITY;
CREATE POLICY tenant ON audit_end TO fleet_app USING (tenant = current_setting('app.tenant'));
GRANT SELECT ON audit_end TO fleet_app;
REVOKE EXECUTE ON FUNCTION audit_ends FROM PUBLIC;
GRANT EXECUTE ON FUNCTION audit_ends TO fleet_app;
