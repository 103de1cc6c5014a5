-- The ledger in one SQLite file, schema version 2. Run in one transaction, on an empty database only.
-- 1397900108 is 'SRCL': how a ledger file is told from any other SQLite database.
BEGIN IMMEDIATE;

PRAGMA application_id = 1397900108;
PRAGMA user_version = 2;

-- Which ledger this is, whatever the file is called: what was kept of another one is not taken for it.
CREATE TABLE IF NOT EXISTS identity (
  one INTEGER PRIMARY KEY CHECK (one = 1),
  ledger_id TEXT NOT NULL
) STRICT;

INSERT INTO identity VALUES (1, lower(hex(randomblob(16))));

-- Ids, once each; every other table refers to them by number.
CREATE TABLE IF NOT EXISTS sku (
  sku_ix INTEGER PRIMARY KEY,
  sku_id TEXT NOT NULL UNIQUE CHECK (sku_id <> '')
) STRICT;

CREATE TABLE IF NOT EXISTS node (
  node_ix INTEGER PRIMARY KEY,
  node_id TEXT NOT NULL UNIQUE CHECK (node_id <> '')
) STRICT;

-- Units of one SKU at one node, or of a receipt that it expects: then node_id has the time at its end. on_hand may
-- be below reserved: the feed knows best, and nothing more is held there until it recovers. SKU ids that begin with
-- # stand for how nodes are: of #orders, #lines and #units a row is a node's day, which node_id has at its end.
CREATE TABLE IF NOT EXISTS stock (
  sku_ix INTEGER NOT NULL REFERENCES sku,
  node_ix INTEGER NOT NULL REFERENCES node,
  on_hand INTEGER NOT NULL CHECK (on_hand >= 0),
  reserved INTEGER NOT NULL CHECK (reserved >= 0),
  safety_stock INTEGER NOT NULL CHECK (safety_stock >= 0),
  PRIMARY KEY (sku_ix, node_ix)
) STRICT, WITHOUT ROWID;

-- state: 1 HELD, 2 CONFIRMED, 3 RELEASED, 4 EXPIRED. Times in epoch seconds of the ledger's clock.
CREATE TABLE IF NOT EXISTS reservation (
  number INTEGER PRIMARY KEY,
  order_id TEXT NOT NULL,
  state INTEGER NOT NULL CHECK (state BETWEEN 1 AND 4),
  created_at INTEGER NOT NULL,
  expires_at INTEGER NOT NULL CHECK (expires_at > created_at)
) STRICT;

-- Finds what is due without looking at what is resolved.
CREATE INDEX IF NOT EXISTS reservation_due ON reservation (expires_at) WHERE state = 1;

-- The holds of a reservation, in the order they were asked for.
CREATE TABLE IF NOT EXISTS hold (
  number INTEGER NOT NULL REFERENCES reservation,
  position INTEGER NOT NULL,
  sku_ix INTEGER NOT NULL,
  node_ix INTEGER NOT NULL,
  quantity INTEGER NOT NULL CHECK (quantity > 0),
  PRIMARY KEY (number, position),
  FOREIGN KEY (sku_ix, node_ix) REFERENCES stock
) STRICT, WITHOUT ROWID;

-- What a reserve request_id stands for: the reservation it made and the caller's own bytes.
CREATE TABLE IF NOT EXISTS reserve_request (
  number INTEGER PRIMARY KEY REFERENCES reservation,
  request_id TEXT NOT NULL UNIQUE CHECK (request_id <> ''),
  fingerprint TEXT NOT NULL,
  payload BLOB NOT NULL
) STRICT;

-- What a stock request_id stands for: a digest of its updates and the version they led to.
CREATE TABLE IF NOT EXISTS stock_request (
  request_id TEXT PRIMARY KEY CHECK (request_id <> ''),
  fingerprint TEXT NOT NULL,
  version INTEGER NOT NULL
) STRICT, WITHOUT ROWID;

-- The delta log: versions 1, 2, 3, ... without a gap. reference: the reservation, stock request or feed on whose
-- behalf. No reservation is ever logged as leaving a row short.
CREATE TABLE IF NOT EXISTS stock_change (
  version INTEGER PRIMARY KEY,
  sku_ix INTEGER NOT NULL REFERENCES sku,
  node_ix INTEGER NOT NULL REFERENCES node,
  available INTEGER NOT NULL,
  delta INTEGER NOT NULL CHECK (delta <> 0),
  cause TEXT NOT NULL CHECK (cause <> 'reserve' OR (available >= 0 AND delta < 0)),
  reference TEXT NOT NULL DEFAULT ''
) STRICT;

-- The number of the last update that a feed brought of a row.
CREATE TABLE IF NOT EXISTS feed_row (
  feed_id TEXT NOT NULL,
  sku_ix INTEGER NOT NULL REFERENCES sku,
  node_ix INTEGER NOT NULL REFERENCES node,
  sequence INTEGER NOT NULL CHECK (sequence > 0),
  PRIMARY KEY (feed_id, sku_ix, node_ix)
) STRICT, WITHOUT ROWID;

COMMIT;
