-- The ledger in a schema of one PostgreSQL database, version 2. Run in one transaction.

-- Ids are kept as UTF-8 bytes: a text column refuses some of what ids may hold, and bytes sort as ids do.

-- One row: which ledger this is, and what is next. Whoever writes has it locked, so that versions and numbers have no gaps.
CREATE TABLE ledger (
  one BOOLEAN PRIMARY KEY CHECK (one),
  schema_version INTEGER NOT NULL,
  last_number BIGINT NOT NULL,
  version BIGINT NOT NULL,
  ledger_id TEXT NOT NULL DEFAULT replace(gen_random_uuid()::text, '-', '')
);

-- Units of one SKU at one node, or of a receipt that it expects: then node_id has the time at its end. on_hand may
-- be below reserved: the feed knows best, and nothing more is held there until it recovers.
CREATE TABLE stock (
  sku_id BYTEA NOT NULL CHECK (sku_id <> ''),
  node_id BYTEA NOT NULL CHECK (node_id <> ''),
  on_hand INTEGER NOT NULL CHECK (on_hand >= 0),
  reserved INTEGER NOT NULL CHECK (reserved >= 0),
  safety_stock INTEGER NOT NULL CHECK (safety_stock >= 0),
  PRIMARY KEY (sku_id, node_id)
) WITH (fillfactor = 70);

-- state: 1 HELD, 2 CONFIRMED, 3 RELEASED, 4 EXPIRED. Times in epoch seconds of the ledger's clock. holds: in the
-- order they were asked for.
CREATE TABLE reservation (
  number BIGINT PRIMARY KEY,
  order_id BYTEA NOT NULL,
  state SMALLINT NOT NULL CHECK (state BETWEEN 1 AND 4),
  created_at BIGINT NOT NULL,
  expires_at BIGINT NOT NULL CHECK (expires_at > created_at),
  sku_ids BYTEA[] NOT NULL,
  node_ids BYTEA[] NOT NULL,
  quantities INTEGER[] NOT NULL,
  CHECK (cardinality(sku_ids) = cardinality(node_ids) AND cardinality(sku_ids) = cardinality(quantities))
);

-- Finds what is due without looking at what is resolved.
CREATE INDEX reservation_due ON reservation (expires_at, number) WHERE state = 1;

-- What a reserve request_id stands for: the reservation it made and the caller's own bytes.
CREATE TABLE reserve_request (
  request_id BYTEA PRIMARY KEY,
  number BIGINT NOT NULL REFERENCES reservation,
  fingerprint TEXT NOT NULL,
  payload BYTEA NOT NULL
);

-- What a stock request_id stands for: a digest of its updates and the version they led to.
CREATE TABLE stock_request (
  request_id BYTEA PRIMARY KEY,
  fingerprint TEXT NOT NULL,
  version BIGINT NOT NULL
);

-- The delta log: versions 1, 2, 3, ... without a gap. reference: the reservation, stock request or feed on whose
-- behalf, in UTF-8. No reservation is ever logged as leaving a row short.
CREATE TABLE stock_change (
  version BIGINT PRIMARY KEY,
  sku_id BYTEA NOT NULL,
  node_id BYTEA NOT NULL,
  available INTEGER NOT NULL,
  delta INTEGER NOT NULL CHECK (delta <> 0),
  cause TEXT NOT NULL CHECK (cause <> 'reserve' OR (available >= 0 AND delta < 0)),
  reference BYTEA NOT NULL DEFAULT ''
);

-- The number of the last update that a feed brought of a row.
CREATE TABLE feed_row (
  feed_id BYTEA NOT NULL,
  sku_id BYTEA NOT NULL,
  node_id BYTEA NOT NULL,
  sequence BIGINT NOT NULL CHECK (sequence > 0),
  PRIMARY KEY (feed_id, sku_id, node_id)
) WITH (fillfactor = 70);

INSERT INTO ledger (one, schema_version, last_number, version) VALUES (TRUE, 2, 0, 0);
