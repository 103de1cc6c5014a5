-- From version 1 to 2: which ledger it is, on whose behalf stock changed, and what feeds have brought. Run in one
-- transaction.
CREATE TABLE identity (
  one INTEGER PRIMARY KEY CHECK (one = 1),
  ledger_id TEXT NOT NULL
) STRICT;

INSERT INTO identity VALUES (1, lower(hex(randomblob(16))));

ALTER TABLE stock_change ADD COLUMN reference TEXT NOT NULL DEFAULT '';

CREATE TABLE feed_row (
  feed_id TEXT NOT NULL,
  sku_ix INTEGER NOT NULL REFERENCES sku,
  node_ix INTEGER NOT NULL REFERENCES node,
  sequence INTEGER NOT NULL CHECK (sequence > 0),
  PRIMARY KEY (feed_id, sku_ix, node_ix)
) STRICT, WITHOUT ROWID;

PRAGMA user_version = 2;
