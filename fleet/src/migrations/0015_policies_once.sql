-- What a policy compares with is the same for every row of a statement. As a subquery it is worked out once, and a
-- statement of the whole tenant calls no function at all.

DO $$
DECLARE
    p record;
BEGIN
    FOR p IN SELECT tablename FROM pg_policies WHERE schemaname = 'public' AND policyname = 'tenant'
             AND qual = '(tenant = current_setting(''app.tenant''::text))'
    LOOP
        EXECUTE format('ALTER POLICY tenant ON %I USING (tenant = (SELECT current_setting(''app.tenant'')))', p.tablename);
    END LOOP;
    FOR p IN SELECT tablename, qual FROM pg_policies WHERE schemaname = 'public' AND policyname = 'site'
    LOOP
        EXECUTE format('ALTER POLICY site ON %I USING ((SELECT coalesce(current_setting(''app.sites'', true), '''') = '''') OR %s)',
                       p.tablename, p.qual);
    END LOOP;
END $$;
