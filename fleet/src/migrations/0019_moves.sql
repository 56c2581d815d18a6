-- A move of the stock is looked for by what moved: one index says that it is unique, too.

ALTER TABLE stock_move DROP CONSTRAINT stock_move_pkey;
DROP INDEX stock_move_by_item;
ALTER TABLE stock_move ADD PRIMARY KEY (tenant, site, variation, id);
