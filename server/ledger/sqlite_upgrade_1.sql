-- From version 1 to 2: on whose behalf stock changed, and what feeds have brought. Run in one transaction.
ALTER TABLE stock_change ADD COLUMN reference TEXT NOT NULL DEFAULT '';

CREATE TABLE feed_row (
  feed_id TEXT NOT NULL,
  sku_ix INTEGER NOT NULL REFERENCES sku,
  node_ix INTEGER NOT NULL REFERENCES node,
  sequence INTEGER NOT NULL CHECK (sequence > 0),
  PRIMARY KEY (feed_id, sku_ix, node_ix)
) STRICT, WITHOUT ROWID;

PRAGMA user_version = 2;
