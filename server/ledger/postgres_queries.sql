-- Statements of the PostgreSQL ledger. "number" is a reservation's. Lists of rows come and go as one array a column.

-- name: lock_schema
-- Only one process makes the tables. 6003190848 is an arbitrary key.
SELECT pg_advisory_xact_lock(6003190848);

-- name: has_tables
-- Was the ledger made before?
SELECT to_regclass('ledger') IS NOT NULL;

-- name: get_schema_version
-- Which version of this ledger made the tables.
SELECT schema_version FROM ledger;

-- name: lock_ledger
-- Nobody else writes from here on, so what is read now still holds when it is written back.
SELECT last_number, version FROM ledger FOR UPDATE;

-- name: get_ledger_id
-- Which ledger this is.
SELECT ledger_id FROM ledger;

-- name: get_version
-- Of the last change of stock, 0 for none.
SELECT version FROM ledger;

-- name: get_clock
-- The database's, epoch seconds.
SELECT floor(extract(epoch FROM clock_timestamp()))::bigint;

-- name: any_due
-- Is a held reservation at or past its deadline? The least is one look at the index; asked for any below a
-- parameter, a prepared plan expects a third of all to be and reads the table.
SELECT coalesce((SELECT min(expires_at) FROM reservation WHERE state = 1) <= %s, false);

-- name: find_due
-- Held reservations at or past their deadline, by deadline, then number.
SELECT expires_at, number FROM reservation WHERE state = 1 AND expires_at <= %s ORDER BY expires_at, number;

-- name: find_reservations
-- Reservations by number.
SELECT number, order_id, state, created_at, expires_at, sku_ids, node_ids, quantities
FROM reservation WHERE number = ANY(%s);

-- name: find_reserve_requests
-- What request_ids of reserves stand for.
SELECT request_id, number, fingerprint, payload FROM reserve_request WHERE request_id = ANY(%s);

-- name: find_stock_requests
-- What request_ids of stock updates stand for.
SELECT request_id, fingerprint, version FROM stock_request WHERE request_id = ANY(%s);

-- name: find_rows
-- Stock rows by SKU and place; rows nobody ever set are missing.
SELECT sku_id, node_id, on_hand, reserved, safety_stock
FROM stock JOIN unnest(%s::bytea[], %s::bytea[]) AS wanted (sku_id, node_id) USING (sku_id, node_id);

-- name: list_stock
-- The rows of some SKUs.
SELECT sku_id, node_id, on_hand, reserved, safety_stock FROM stock WHERE sku_id = ANY(%s);

-- name: any_stock
-- Is there any row?
SELECT EXISTS (SELECT 1 FROM stock);

-- name: list_available
-- All rows by SKU, then place: units available.
SELECT sku_id, node_id, on_hand - reserved - safety_stock FROM stock ORDER BY sku_id, node_id;

-- name: list_changes
-- The delta log after a version, ascending.
SELECT version, sku_id, node_id, available, delta, cause, reference
FROM stock_change WHERE version > %s ORDER BY version LIMIT %s;

-- name: insert_rows
-- Stock rows nobody had set before.
INSERT INTO stock (sku_id, node_id, on_hand, reserved, safety_stock)
SELECT * FROM unnest(%s::bytea[], %s::bytea[], %s::int[], %s::int[], %s::int[]);

-- name: update_rows
-- Stock rows, on the condition that each still is what the decision was made from.
UPDATE stock SET on_hand = new.on_hand, reserved = new.reserved, safety_stock = new.safety_stock
FROM unnest(%s::bytea[], %s::bytea[], %s::int[], %s::int[], %s::int[], %s::int[], %s::int[], %s::int[])
  AS new (sku_id, node_id, on_hand, reserved, safety_stock, was_on_hand, was_reserved, was_safety_stock)
WHERE stock.sku_id = new.sku_id AND stock.node_id = new.node_id AND stock.on_hand = new.was_on_hand
  AND stock.reserved = new.was_reserved AND stock.safety_stock = new.was_safety_stock;

-- name: insert_reservation
-- A new reservation.
INSERT INTO reservation (number, order_id, state, created_at, expires_at, sku_ids, node_ids, quantities)
VALUES (%s, %s, %s, %s, %s, %s, %s, %s);

-- name: resolve_reservations
-- HELD to their final states, once, or to another deadline.
UPDATE reservation SET state = new.state, expires_at = new.expires_at
FROM unnest(%s::bigint[], %s::smallint[], %s::bigint[]) AS new (number, state, expires_at)
WHERE reservation.number = new.number AND reservation.state = 1;

-- name: reduce_reservation
-- A reservation gets other holds.
UPDATE reservation SET sku_ids = %s, node_ids = %s, quantities = %s WHERE number = %s;

-- name: find_marks
-- Numbers of the last updates that a feed brought.
SELECT sku_id, node_id, sequence FROM feed_row JOIN unnest(%s::bytea[], %s::bytea[]) AS wanted (sku_id, node_id)
USING (sku_id, node_id) WHERE feed_id = %s;

-- name: put_marks
-- The numbers of the last updates that feeds brought of rows.
INSERT INTO feed_row (feed_id, sku_id, node_id, sequence)
SELECT * FROM unnest(%s::bytea[], %s::bytea[], %s::bytea[], %s::bigint[])
ON CONFLICT (feed_id, sku_id, node_id) DO UPDATE SET sequence = excluded.sequence;

-- name: insert_reserve_request
-- Remember how a reserve ended, in its own transaction.
INSERT INTO reserve_request (request_id, number, fingerprint, payload) VALUES (%s, %s, %s, %s);

-- name: insert_stock_request
-- Remember what a stock update led to, in its own transaction.
INSERT INTO stock_request (request_id, fingerprint, version) VALUES (%s, %s, %s);

-- name: insert_changes
-- The next entries of the delta log.
INSERT INTO stock_change (version, sku_id, node_id, available, delta, cause, reference)
SELECT * FROM unnest(%s::bigint[], %s::bytea[], %s::bytea[], %s::int[], %s::int[], %s::text[], %s::bytea[]);

-- name: advance
-- What is next now.
UPDATE ledger SET last_number = %s, version = %s;

-- name: copy_rows
-- Many rows at once, nothing reserved.
COPY stock (sku_id, node_id, on_hand, reserved, safety_stock) FROM STDIN (FORMAT BINARY);

-- name: copy_changes
-- Many entries of the delta log at once.
COPY stock_change (version, sku_id, node_id, available, delta, cause) FROM STDIN (FORMAT BINARY);
