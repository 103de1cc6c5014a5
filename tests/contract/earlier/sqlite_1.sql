PRAGMA application_id = 1397900108;
PRAGMA user_version = 1;
BEGIN TRANSACTION;
CREATE TABLE hold (
  number INTEGER NOT NULL REFERENCES reservation,
  position INTEGER NOT NULL,
  sku_ix INTEGER NOT NULL,
  node_ix INTEGER NOT NULL,
  quantity INTEGER NOT NULL CHECK (quantity > 0),
  PRIMARY KEY (number, position),
  FOREIGN KEY (sku_ix, node_ix) REFERENCES stock
) STRICT, WITHOUT ROWID;
INSERT INTO "hold" VALUES(1,0,1,1,2);
INSERT INTO "hold" VALUES(1,1,2,2,1);
INSERT INTO "hold" VALUES(2,0,1,1,2);
INSERT INTO "hold" VALUES(2,1,2,2,1);
INSERT INTO "hold" VALUES(3,0,1,1,2);
INSERT INTO "hold" VALUES(3,1,2,2,1);
INSERT INTO "hold" VALUES(4,0,1,1,2);
INSERT INTO "hold" VALUES(4,1,2,2,1);
INSERT INTO "hold" VALUES(5,0,1,3,3);
CREATE TABLE node (
  node_ix INTEGER PRIMARY KEY,
  node_id TEXT NOT NULL UNIQUE CHECK (node_id <> '')
) STRICT;
INSERT INTO "node" VALUES(1,'N1');
INSERT INTO "node" VALUES(2,'N2');
INSERT INTO "node" VALUES(3,'N1@2030-03-17T17:46:40Z');
CREATE TABLE reservation (
  number INTEGER PRIMARY KEY,
  order_id TEXT NOT NULL,
  state INTEGER NOT NULL CHECK (state BETWEEN 1 AND 4),
  created_at INTEGER NOT NULL,
  expires_at INTEGER NOT NULL CHECK (expires_at > created_at)
) STRICT;
INSERT INTO "reservation" VALUES(1,'order',2,1750000000,1750000060);
INSERT INTO "reservation" VALUES(2,'order',3,1750000000,1750000060);
INSERT INTO "reservation" VALUES(3,'order',4,1750000000,1750000060);
INSERT INTO "reservation" VALUES(4,'order',4,1750000000,1750000060);
INSERT INTO "reservation" VALUES(5,'order',1,1760000000,1760000060);
CREATE TABLE reserve_request (
  number INTEGER PRIMARY KEY REFERENCES reservation,
  request_id TEXT NOT NULL UNIQUE CHECK (request_id <> ''),
  fingerprint TEXT NOT NULL,
  payload BLOB NOT NULL
) STRICT;
INSERT INTO "reserve_request" VALUES(1,'q0','content',X'');
INSERT INTO "reserve_request" VALUES(2,'q1','content',X'');
INSERT INTO "reserve_request" VALUES(3,'q2','content',X'');
INSERT INTO "reserve_request" VALUES(4,'q3','content',X'');
INSERT INTO "reserve_request" VALUES(5,'later','content',X'006279746573');
CREATE TABLE sku (
  sku_ix INTEGER PRIMARY KEY,
  sku_id TEXT NOT NULL UNIQUE CHECK (sku_id <> '')
) STRICT;
INSERT INTO "sku" VALUES(1,'A');
INSERT INTO "sku" VALUES(2,'B');
CREATE TABLE stock (
  sku_ix INTEGER NOT NULL REFERENCES sku,
  node_ix INTEGER NOT NULL REFERENCES node,
  on_hand INTEGER NOT NULL CHECK (on_hand >= 0),
  reserved INTEGER NOT NULL CHECK (reserved >= 0),
  safety_stock INTEGER NOT NULL CHECK (safety_stock >= 0),
  PRIMARY KEY (sku_ix, node_ix)
) STRICT, WITHOUT ROWID;
INSERT INTO "stock" VALUES(1,1,7,0,1);
INSERT INTO "stock" VALUES(1,2,9,0,1);
INSERT INTO "stock" VALUES(1,3,5,3,0);
INSERT INTO "stock" VALUES(2,1,9,0,1);
INSERT INTO "stock" VALUES(2,2,8,0,1);
CREATE TABLE stock_change (
  version INTEGER PRIMARY KEY,
  sku_ix INTEGER NOT NULL REFERENCES sku,
  node_ix INTEGER NOT NULL REFERENCES node,
  available INTEGER NOT NULL,
  delta INTEGER NOT NULL CHECK (delta <> 0),
  cause TEXT NOT NULL CHECK (cause <> 'reserve' OR (available >= 0 AND delta < 0))
) STRICT;
INSERT INTO "stock_change" VALUES(1,1,1,8,8,'stock');
INSERT INTO "stock_change" VALUES(2,1,2,8,8,'stock');
INSERT INTO "stock_change" VALUES(3,2,1,8,8,'stock');
INSERT INTO "stock_change" VALUES(4,2,2,8,8,'stock');
INSERT INTO "stock_change" VALUES(5,1,3,5,5,'stock');
INSERT INTO "stock_change" VALUES(6,1,1,6,-2,'reserve');
INSERT INTO "stock_change" VALUES(7,2,2,7,-1,'reserve');
INSERT INTO "stock_change" VALUES(8,1,1,4,-2,'reserve');
INSERT INTO "stock_change" VALUES(9,2,2,6,-1,'reserve');
INSERT INTO "stock_change" VALUES(10,1,1,2,-2,'reserve');
INSERT INTO "stock_change" VALUES(11,2,2,5,-1,'reserve');
INSERT INTO "stock_change" VALUES(12,1,1,0,-2,'reserve');
INSERT INTO "stock_change" VALUES(13,2,2,4,-1,'reserve');
INSERT INTO "stock_change" VALUES(14,1,1,2,2,'release');
INSERT INTO "stock_change" VALUES(15,2,2,5,1,'release');
INSERT INTO "stock_change" VALUES(16,1,1,4,2,'expire');
INSERT INTO "stock_change" VALUES(17,2,2,6,1,'expire');
INSERT INTO "stock_change" VALUES(18,1,1,6,2,'expire');
INSERT INTO "stock_change" VALUES(19,2,2,7,1,'expire');
INSERT INTO "stock_change" VALUES(20,1,3,2,-3,'reserve');
CREATE TABLE stock_request (
  request_id TEXT PRIMARY KEY CHECK (request_id <> ''),
  fingerprint TEXT NOT NULL,
  version INTEGER NOT NULL
) STRICT, WITHOUT ROWID;
INSERT INTO "stock_request" VALUES('feed-1','84943582d21af111a1ee34fa623967d72193b8df184500062ff8d1090e016141',4);
INSERT INTO "stock_request" VALUES('feed-2','1d431877b4e03fdc5c615e5d7dcebb85f2759f781c2f8be7e2e1a5af997efd23',5);
CREATE INDEX reservation_due ON reservation (expires_at) WHERE state = 1;
COMMIT;
