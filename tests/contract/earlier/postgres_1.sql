-- The ledger in a schema of one PostgreSQL database, version 1. Run in one transaction.

-- Ids are kept as UTF-8 bytes: a text column refuses some of what ids may hold, and bytes sort as ids do.

-- One row: what is next. Whoever writes has it locked, so that versions and numbers have no gaps.
CREATE TABLE ledger (
  one BOOLEAN PRIMARY KEY CHECK (one),
  schema_version INTEGER NOT NULL,
  last_number BIGINT NOT NULL,
  version BIGINT NOT NULL
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

-- The delta log: versions 1, 2, 3, ... without a gap. No reservation is ever logged as leaving a row short.
CREATE TABLE stock_change (
  version BIGINT PRIMARY KEY,
  sku_id BYTEA NOT NULL,
  node_id BYTEA NOT NULL,
  available INTEGER NOT NULL,
  delta INTEGER NOT NULL CHECK (delta <> 0),
  cause TEXT NOT NULL CHECK (cause <> 'reserve' OR (available >= 0 AND delta < 0))
);

INSERT INTO ledger VALUES (true, 1, 5, 20);
INSERT INTO stock VALUES ('\x41'::bytea, '\x4e31'::bytea, 7, 0, 1);
INSERT INTO stock VALUES ('\x41'::bytea, '\x4e3140323033302d30332d31375431373a34363a34305a'::bytea, 5, 3, 0);
INSERT INTO stock VALUES ('\x41'::bytea, '\x4e32'::bytea, 9, 0, 1);
INSERT INTO stock VALUES ('\x42'::bytea, '\x4e31'::bytea, 9, 0, 1);
INSERT INTO stock VALUES ('\x42'::bytea, '\x4e32'::bytea, 8, 0, 1);
INSERT INTO reservation VALUES (1, '\x6f72646572'::bytea, 2, 1750000000, 1750000060,  E'{"\\\\x41","\\\\x42"}'::bytea[],  E'{"\\\\x4e31","\\\\x4e32"}'::bytea[], '{2,1}'::int2[]);
INSERT INTO reservation VALUES (2, '\x6f72646572'::bytea, 3, 1750000000, 1750000060,  E'{"\\\\x41","\\\\x42"}'::bytea[],  E'{"\\\\x4e31","\\\\x4e32"}'::bytea[], '{2,1}'::int2[]);
INSERT INTO reservation VALUES (3, '\x6f72646572'::bytea, 4, 1750000000, 1750000060,  E'{"\\\\x41","\\\\x42"}'::bytea[],  E'{"\\\\x4e31","\\\\x4e32"}'::bytea[], '{2,1}'::int2[]);
INSERT INTO reservation VALUES (4, '\x6f72646572'::bytea, 4, 1750000000, 1750000060,  E'{"\\\\x41","\\\\x42"}'::bytea[],  E'{"\\\\x4e31","\\\\x4e32"}'::bytea[], '{2,1}'::int2[]);
INSERT INTO reservation VALUES (5, '\x6f72646572'::bytea, 1, 1760000000, 1760000060,  E'{"\\\\x41"}'::bytea[],  E'{"\\\\x4e3140323033302d30332d31375431373a34363a34305a"}'::bytea[], '{3}'::int2[]);
INSERT INTO reserve_request VALUES ('\x6c61746572'::bytea, 5, 'content', '\x006279746573'::bytea);
INSERT INTO reserve_request VALUES ('\x7130'::bytea, 1, 'content', '\x'::bytea);
INSERT INTO reserve_request VALUES ('\x7131'::bytea, 2, 'content', '\x'::bytea);
INSERT INTO reserve_request VALUES ('\x7132'::bytea, 3, 'content', '\x'::bytea);
INSERT INTO reserve_request VALUES ('\x7133'::bytea, 4, 'content', '\x'::bytea);
INSERT INTO stock_request VALUES ('\x666565642d31'::bytea, '84943582d21af111a1ee34fa623967d72193b8df184500062ff8d1090e016141', 4);
INSERT INTO stock_request VALUES ('\x666565642d32'::bytea, '1d431877b4e03fdc5c615e5d7dcebb85f2759f781c2f8be7e2e1a5af997efd23', 5);
INSERT INTO stock_change VALUES (1, '\x41'::bytea, '\x4e31'::bytea, 8, 8, 'stock');
INSERT INTO stock_change VALUES (2, '\x41'::bytea, '\x4e32'::bytea, 8, 8, 'stock');
INSERT INTO stock_change VALUES (3, '\x42'::bytea, '\x4e31'::bytea, 8, 8, 'stock');
INSERT INTO stock_change VALUES (4, '\x42'::bytea, '\x4e32'::bytea, 8, 8, 'stock');
INSERT INTO stock_change VALUES (5, '\x41'::bytea, '\x4e3140323033302d30332d31375431373a34363a34305a'::bytea, 5, 5, 'stock');
INSERT INTO stock_change VALUES (6, '\x41'::bytea, '\x4e31'::bytea, 6,  -2, 'reserve');
INSERT INTO stock_change VALUES (7, '\x42'::bytea, '\x4e32'::bytea, 7,  -1, 'reserve');
INSERT INTO stock_change VALUES (8, '\x41'::bytea, '\x4e31'::bytea, 4,  -2, 'reserve');
INSERT INTO stock_change VALUES (9, '\x42'::bytea, '\x4e32'::bytea, 6,  -1, 'reserve');
INSERT INTO stock_change VALUES (10, '\x41'::bytea, '\x4e31'::bytea, 2,  -2, 'reserve');
INSERT INTO stock_change VALUES (11, '\x42'::bytea, '\x4e32'::bytea, 5,  -1, 'reserve');
INSERT INTO stock_change VALUES (12, '\x41'::bytea, '\x4e31'::bytea, 0,  -2, 'reserve');
INSERT INTO stock_change VALUES (13, '\x42'::bytea, '\x4e32'::bytea, 4,  -1, 'reserve');
INSERT INTO stock_change VALUES (14, '\x41'::bytea, '\x4e31'::bytea, 2, 2, 'release');
INSERT INTO stock_change VALUES (15, '\x42'::bytea, '\x4e32'::bytea, 5, 1, 'release');
INSERT INTO stock_change VALUES (16, '\x41'::bytea, '\x4e31'::bytea, 4, 2, 'expire');
INSERT INTO stock_change VALUES (17, '\x42'::bytea, '\x4e32'::bytea, 6, 1, 'expire');
INSERT INTO stock_change VALUES (18, '\x41'::bytea, '\x4e31'::bytea, 6, 2, 'expire');
INSERT INTO stock_change VALUES (19, '\x42'::bytea, '\x4e32'::bytea, 7, 1, 'expire');
INSERT INTO stock_change VALUES (20, '\x41'::bytea, '\x4e3140323033302d30332d31375431373a34363a34305a'::bytea, 2,  -3, 'reserve');
