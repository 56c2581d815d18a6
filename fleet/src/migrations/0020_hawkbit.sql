-- Machines of others that are updated through hawkBit's device interface: kiosks to every rollout, without a link.
CREATE TABLE hawkbit_device (
    kiosk       text PRIMARY KEY REFERENCES kiosk,
    tenant      text NOT NULL,
    -- SHA-256 of its token.
    token       bytea NOT NULL,
    -- What it says of itself.
    attributes  jsonb NOT NULL DEFAULT '{}',
    -- It is to say that anew.
    asked       boolean NOT NULL DEFAULT true,
    -- What the assignment of this generation is called there.
    action      bigint,
    generation  bigint
);

-- swupdate reads the number of an action as one of 31 bits.
CREATE SEQUENCE hawkbit_action MAXVALUE 2147483647 CYCLE;
GRANT USAGE ON SEQUENCE hawkbit_action TO fleet_app;

ALTER TABLE hawkbit_device ENABLE ROW LEVEL SECURITY;
CREATE POLICY tenant ON hawkbit_device TO fleet_app USING (tenant = (SELECT current_setting('app.tenant')));
CREATE POLICY site ON hawkbit_device AS RESTRICTIVE TO fleet_app
    USING ((SELECT coalesce(current_setting('app.sites', true), '') = '') OR sees_kiosk(kiosk));
GRANT SELECT, INSERT, UPDATE ON hawkbit_device TO fleet_app;

CREATE FUNCTION hawkbit_device_owner(wanted text, secret bytea) RETURNS TABLE (tenant text)
LANGUAGE sql STABLE SECURITY DEFINER SET search_path = public
AS $$ SELECT d.tenant FROM hawkbit_device d JOIN kiosk k ON k.id = d.kiosk
      WHERE d.kiosk = wanted AND d.token = secret AND k.state = 'active' $$;

REVOKE EXECUTE ON FUNCTION hawkbit_device_owner FROM PUBLIC;
GRANT EXECUTE ON FUNCTION hawkbit_device_owner TO fleet_app;

-- The one file that such machines install a release from. They prove it themselves.
CREATE TABLE release_bundle (
    model       text NOT NULL,
    number      bigint NOT NULL,
    name        text NOT NULL,
    length      bigint NOT NULL,
    sha256      text NOT NULL,
    sha1        text NOT NULL,
    pushed_at   timestamptz NOT NULL DEFAULT now(),
    PRIMARY KEY (model, number),
    FOREIGN KEY (model, number) REFERENCES release
);

GRANT SELECT, INSERT, UPDATE, DELETE ON release_bundle TO fleet_app;
