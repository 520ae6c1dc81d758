-- Stores: those in which something was bought. Nothing else is known of them.
-- records of: transactions_sample_100k.parquet
-- removes: another line from the same store
SELECT
    store_id AS site_id,
    'store' AS kind,
    CASE
        WHEN row_number() OVER (PARTITION BY store_id ORDER BY basket_id, product_id) > 1
            THEN 'another line from the same store'
    END AS removed_because
FROM read_parquet(getvariable('root') || '/transactions_sample_100k.parquet')
