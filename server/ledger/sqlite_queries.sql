-- Statements of the SQLite ledger. "number" is a reservation's, "code" is sku_ix * 2^32 + node_ix.

-- name: set_up_writer
-- Of every writing connection: a commit is on disk when it returns, and references hold.
PRAGMA synchronous = FULL;
PRAGMA foreign_keys = ON;
PRAGMA cache_size = -65536;
PRAGMA journal_size_limit = 67108864;

-- name: set_up_reader
-- Of every reading connection: it cannot write by mistake.
PRAGMA query_only = ON;

-- name: write_ahead
-- Readers see the last commit while a writer works. Answers the mode that is in force.
PRAGMA journal_mode = WAL;

-- name: get_application_id
-- Which application the file belongs to, 0 for none.
PRAGMA application_id;

-- name: get_schema_version
-- Which version of this ledger wrote the file.
PRAGMA user_version;

-- name: check_pages
-- One row 'ok', or the first damage found in the file's structure. Takes no locks that block writers.
PRAGMA quick_check(1);

-- name: count_tables
-- 0 for a database that was never used.
SELECT count(*) FROM sqlite_schema;

-- name: begin_write
-- Nobody else writes from here on, so what is read now still holds when it is written back.
BEGIN IMMEDIATE;

-- name: begin_read
-- Every statement up to the end sees the same commit.
BEGIN;

-- name: commit
-- On disk when it returns.
COMMIT;

-- name: rollback
-- Forget everything since the beginning of the transaction.
ROLLBACK;

-- name: rename_ledger
-- Makes another ledger of it: its log will say other things than that of the one before.
UPDATE identity SET ledger_id = ?;

-- name: get_ledger_id
-- Which ledger this is.
SELECT ledger_id FROM identity;

-- name: get_version
-- Of the last change of stock, 0 for none.
SELECT coalesce(max(version), 0) FROM stock_change;

-- name: get_last_number
-- Of the last reservation, 0 for none.
SELECT coalesce(max(number), 0) FROM reservation;

-- name: any_due
-- Is a held reservation at or past its deadline?
SELECT EXISTS (SELECT 1 FROM reservation WHERE state = 1 AND expires_at <= ?);

-- name: find_due
-- Held reservations at or past their deadline, by deadline, then number.
SELECT expires_at, number FROM reservation WHERE state = 1 AND expires_at <= ? ORDER BY expires_at, number;

-- name: find_reservation
-- One reservation without its holds.
SELECT order_id, state, created_at, expires_at FROM reservation WHERE number = ?;

-- name: find_holds
-- The holds of a reservation, in the order they were asked for.
SELECT sku_id, node_id, quantity FROM hold JOIN sku USING (sku_ix) JOIN node USING (node_ix)
WHERE number = ? ORDER BY position;

-- name: find_reserve_request
-- What a request_id of a reserve stands for.
SELECT number, fingerprint, payload FROM reserve_request WHERE request_id = ?;

-- name: find_stock_request
-- What a request_id of a stock update stands for.
SELECT fingerprint, version FROM stock_request WHERE request_id = ?;

-- name: find_rows
-- Stock rows by a JSON array of codes; rows nobody ever set are missing.
SELECT sku_ix, node_ix, on_hand, reserved, safety_stock
FROM json_each(?) JOIN stock ON sku_ix = value >> 32 AND node_ix = value & 0xffffffff;

-- name: find_rows_of_skus
-- All stock rows of the SKUs in a JSON array of numbers.
SELECT sku_ix, node_ix, on_hand, reserved, safety_stock FROM json_each(?) JOIN stock ON sku_ix = value;

-- name: find_sku
-- Number of a SKU id.
SELECT sku_ix FROM sku WHERE sku_id = ?;

-- name: find_node
-- Number of a node id.
SELECT node_ix FROM node WHERE node_id = ?;

-- name: list_skus
-- All SKU ids with their numbers.
SELECT sku_id, sku_ix FROM sku;

-- name: list_nodes
-- All node ids with their numbers.
SELECT node_id, node_ix FROM node;

-- name: list_stock_of_sku
-- The rows of one SKU.
SELECT node_id, on_hand, reserved, safety_stock
FROM stock JOIN sku USING (sku_ix) JOIN node USING (node_ix) WHERE sku_id = ?;

-- name: any_stock
-- Is there any row?
SELECT EXISTS (SELECT 1 FROM stock);

-- name: count_stock
-- How many rows there are.
SELECT count(*) FROM stock;

-- name: list_available
-- All rows as numbers: SKU, node, units available.
SELECT sku_ix, node_ix, on_hand - reserved - safety_stock FROM stock;

-- name: list_changes
-- The delta log after a version, ascending.
SELECT version, sku_id, node_id, available, delta, cause, reference
FROM stock_change JOIN sku USING (sku_ix) JOIN node USING (node_ix)
WHERE version > ? ORDER BY version LIMIT ?;

-- name: insert_sku
-- A SKU id seen for the first time.
INSERT INTO sku (sku_id) VALUES (?) RETURNING sku_ix;

-- name: insert_node
-- A node id seen for the first time.
INSERT INTO node (node_id) VALUES (?) RETURNING node_ix;

-- name: insert_numbered_sku
-- A SKU id under a number of the caller's choice.
INSERT INTO sku (sku_ix, sku_id) VALUES (?, ?);

-- name: insert_numbered_node
-- A node id under a number of the caller's choice.
INSERT INTO node (node_ix, node_id) VALUES (?, ?);

-- name: insert_sixteen_rows
-- Rows nobody had set before, of which nothing is reserved: SKU, node, units on hand, safety stock.
INSERT INTO stock (sku_ix, node_ix, on_hand, safety_stock, reserved) VALUES
(?, ?, ?, ?, 0), (?, ?, ?, ?, 0), (?, ?, ?, ?, 0), (?, ?, ?, ?, 0),
(?, ?, ?, ?, 0), (?, ?, ?, ?, 0), (?, ?, ?, ?, 0), (?, ?, ?, ?, 0),
(?, ?, ?, ?, 0), (?, ?, ?, ?, 0), (?, ?, ?, ?, 0), (?, ?, ?, ?, 0),
(?, ?, ?, ?, 0), (?, ?, ?, ?, 0), (?, ?, ?, ?, 0), (?, ?, ?, ?, 0);

-- name: insert_loaded_row
-- One such row.
INSERT INTO stock (sku_ix, node_ix, on_hand, safety_stock, reserved) VALUES (?, ?, ?, ?, 0);

-- name: log_rows_from
-- The rows from (SKU, node) to the end, new all of them, become the next entries of the delta log: its key
-- counts on by itself.
INSERT INTO stock_change (sku_ix, node_ix, available, delta, cause)
SELECT sku_ix, node_ix, on_hand - safety_stock, on_hand - safety_stock, 'stock'
FROM stock WHERE (sku_ix, node_ix) >= (?, ?) AND on_hand <> safety_stock ORDER BY sku_ix, node_ix;

-- name: insert_row
-- A stock row nobody had set before.
INSERT INTO stock (sku_ix, node_ix, on_hand, reserved, safety_stock) VALUES (?, ?, ?, ?, ?);

-- name: update_row
-- A stock row, on the condition that it still is what the decision was made from.
UPDATE stock SET on_hand = ?, reserved = ?, safety_stock = ?
WHERE sku_ix = ? AND node_ix = ? AND on_hand = ? AND reserved = ? AND safety_stock = ?;

-- name: insert_reservation
-- A new reservation.
INSERT INTO reservation (number, order_id, state, created_at, expires_at) VALUES (?, ?, ?, ?, ?);

-- name: resolve_reservation
-- HELD to its final state, once, or to another deadline.
UPDATE reservation SET state = ?, expires_at = ? WHERE number = ? AND state = 1;

-- name: delete_holds
-- Those of a reservation, which gets others.
DELETE FROM hold WHERE number = ?;

-- name: find_marks
-- Numbers of the last updates that a feed brought, by a JSON array of codes.
SELECT sku_ix, node_ix, sequence
FROM json_each(?) JOIN feed_row ON feed_id = ? AND sku_ix = value >> 32 AND node_ix = value & 0xffffffff;

-- name: put_mark
-- The number of the last update that a feed brought of a row.
INSERT INTO feed_row (feed_id, sku_ix, node_ix, sequence) VALUES (?, ?, ?, ?)
ON CONFLICT DO UPDATE SET sequence = excluded.sequence;

-- name: insert_hold
-- One hold of a new reservation.
INSERT INTO hold (number, position, sku_ix, node_ix, quantity) VALUES (?, ?, ?, ?, ?);

-- name: insert_reserve_request
-- Remember how a reserve ended, in its own transaction.
INSERT INTO reserve_request (number, request_id, fingerprint, payload) VALUES (?, ?, ?, ?);

-- name: insert_stock_request
-- Remember what a stock update led to, in its own transaction.
INSERT INTO stock_request (request_id, fingerprint, version) VALUES (?, ?, ?);

-- name: insert_change
-- The next entry of the delta log.
INSERT INTO stock_change (version, sku_ix, node_ix, available, delta, cause, reference) VALUES (?, ?, ?, ?, ?, ?, ?);
