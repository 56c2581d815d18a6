-- Every row belongs to a tenant, and the role that serves requests sees only the tenant it works for.
-- An unset app.tenant is an error, so a forgotten one cannot show everything.

DO $$
DECLARE
    t text;
BEGIN
    FOREACH t IN ARRAY ARRAY['site', 'kiosk', 'event', 'stream', 'quarantine', 'sale', 'payment', 'stock', 'stock_move', 'task']
    LOOP
        EXECUTE format('ALTER TABLE %I ENABLE ROW LEVEL SECURITY', t);
        EXECUTE format('CREATE POLICY tenant ON %I TO fleet_app USING (tenant = current_setting(''app.tenant''))', t);
        EXECUTE format('GRANT SELECT, INSERT, UPDATE, DELETE ON %I TO fleet_app', t);
    END LOOP;
END $$;

GRANT SELECT ON tenant TO fleet_app;
REVOKE DELETE, UPDATE ON event FROM fleet_app;
GRANT EXECUTE ON FUNCTION kiosk_owner, make_event_day TO fleet_app;
