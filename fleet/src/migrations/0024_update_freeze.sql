-- While this has its row, no kiosk of any tenant goes on with an update.
CREATE TABLE update_freeze (
    is_one boolean PRIMARY KEY DEFAULT true CHECK (is_one),
    reason text NOT NULL,
    since timestamptz NOT NULL DEFAULT now()
);
GRANT SELECT, INSERT, UPDATE, DELETE ON update_freeze TO fleet_app;
