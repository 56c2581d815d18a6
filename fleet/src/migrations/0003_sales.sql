-- Projections of the events, and the stock that only the fleet may decide. Money in minor units,
-- quantities in 1e-5 pieces.

CREATE TABLE sale (
    id            uuid PRIMARY KEY,
    tenant        text NOT NULL,
    site          text NOT NULL,
    kiosk         text NOT NULL,
    epoch         bigint NOT NULL,
    number        text NOT NULL,
    placed_at     timestamptz NOT NULL,
    business_date date NOT NULL,
    mode          text NOT NULL,
    channel       text NOT NULL,
    currency      text NOT NULL,
    exponent      smallint NOT NULL,
    total         bigint NOT NULL,
    tip           bigint NOT NULL DEFAULT 0,
    refunded      bigint NOT NULL DEFAULT 0,
    catalog_rev   bigint NOT NULL,
    state         text NOT NULL,
    fiscal_series bigint,
    fiscal_n      bigint,
    paid_at       timestamptz,
    denied        text,
    -- [{"variation", "item", "name", "quantity", "net"}]
    lines         jsonb NOT NULL
);

CREATE INDEX sale_by_time ON sale (tenant, placed_at);
CREATE INDEX sale_by_kiosk ON sale (kiosk, placed_at);
CREATE UNIQUE INDEX sale_fiscal ON sale (kiosk, fiscal_series, fiscal_n) WHERE fiscal_n IS NOT NULL AND denied IS NULL;

CREATE TABLE payment (
    id            uuid PRIMARY KEY,
    tenant        text NOT NULL,
    kiosk         text NOT NULL,
    sale          uuid NOT NULL,
    tender        text NOT NULL,
    amount        bigint NOT NULL,
    tip           bigint NOT NULL,
    state         text NOT NULL
);

CREATE INDEX payment_by_sale ON payment (sale);

-- Scarce goods of a site. What has no row here is not counted.
CREATE TABLE stock (
    tenant        text NOT NULL,
    site          text NOT NULL,
    variation     text NOT NULL,
    on_hand       bigint NOT NULL,
    rev           bigint NOT NULL DEFAULT 1,
    PRIMARY KEY (tenant, site, variation)
);

CREATE TABLE stock_move (
    id            bigint GENERATED ALWAYS AS IDENTITY PRIMARY KEY,
    tenant        text NOT NULL,
    site          text NOT NULL,
    variation     text NOT NULL,
    delta         bigint NOT NULL,
    kind          text NOT NULL CHECK (kind IN ('sale', 'return', 'waste', 'count', 'receive', 'transfer')),
    event         uuid,
    at            timestamptz NOT NULL DEFAULT now()
);

CREATE INDEX stock_move_by_item ON stock_move (tenant, site, variation, id);

-- Something a person must do.
CREATE TABLE task (
    id            bigint GENERATED ALWAYS AS IDENTITY PRIMARY KEY,
    tenant        text NOT NULL,
    site          text NOT NULL,
    kiosk         text NOT NULL,
    kind          text NOT NULL,
    detail        text NOT NULL,
    sale          uuid,
    event         uuid,
    raised_at     timestamptz NOT NULL DEFAULT now(),
    done_at       timestamptz,
    done_by       text
);

CREATE INDEX task_open ON task (tenant, raised_at) WHERE done_at IS NULL;
