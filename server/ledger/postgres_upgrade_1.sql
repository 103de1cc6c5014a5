-- From version 1 to 2: which ledger it is, on whose behalf stock changed, and what feeds have brought.
ALTER TABLE ledger ADD COLUMN ledger_id TEXT NOT NULL DEFAULT replace(gen_random_uuid()::text, '-', '');

ALTER TABLE stock_change ADD COLUMN reference BYTEA NOT NULL DEFAULT '';

CREATE TABLE feed_row (
  feed_id BYTEA NOT NULL,
  sku_id BYTEA NOT NULL,
  node_id BYTEA NOT NULL,
  sequence BIGINT NOT NULL CHECK (sequence > 0),
  PRIMARY KEY (feed_id, sku_id, node_id)
) WITH (fillfactor = 70);

UPDATE ledger SET schema_version = 2;
