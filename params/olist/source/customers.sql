-- Persons, each with the spans in which a place was theirs.
-- Trap: customer_id is one per order; a person is customer_unique_id. 99,441 rows are 96,096 persons.
-- A person's place is known from the order that first names it until an order names another one.
-- Zip prefixes have leading zeros and stay text. The city is left out: prefix and state are enough.
-- records of: olist_customers_dataset.csv
-- removes: another order of the same person from the same place
WITH seen AS (
    SELECT
        c.customer_unique_id AS person,
        c.customer_zip_code_prefix AS zip,
        c.customer_state AS state,
        CAST(o.order_purchase_timestamp AS TIMESTAMP) AS seen_at,
        c.customer_id AS row_id
    FROM read_csv(getvariable('root') || '/olist_customers_dataset.csv', all_varchar = true, header = true, delim = ',') c
    LEFT JOIN read_csv(getvariable('root') || '/olist_orders_dataset.csv', all_varchar = true, header = true, delim = ',') o
        USING (customer_id)
),
steps AS (
    SELECT *, lag(zip || state) OVER person_in_time IS DISTINCT FROM zip || state AS moved
    FROM seen
    WINDOW person_in_time AS (PARTITION BY person ORDER BY seen_at, row_id)
),
stays AS (
    SELECT person, row_id, lead(seen_at) OVER (PARTITION BY person ORDER BY seen_at, row_id) AS until
    FROM steps
    WHERE moved
)
SELECT
    s.person AS customer_id,
    'consumer' AS type,
    s.state AS region,
    'BR' AS country,
    s.zip AS postcode,
    min(s.seen_at) OVER (PARTITION BY s.person)::DATE AS joined_on,
    s.seen_at AS valid_from,
    t.until AS valid_to,
    CASE WHEN t.row_id IS NULL THEN 'another order of the same person from the same place' END AS removed_because
FROM steps s
LEFT JOIN stays t USING (row_id)
