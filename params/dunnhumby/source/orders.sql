-- Baskets. Trap: 100,000 lines were drawn at random from 1.47 million, so a basket here is a part of a basket: its
-- lines, value and even whether it is seen at all are those of the sample. Frequencies must not be read off it.
-- records of: transactions_sample_100k.parquet
-- removes: another line of the same basket
SELECT
    basket_id AS order_id,
    household_id AS customer_id,
    transaction_timestamp AS ordered_at,
    'store' AS channel,
    'in_store' AS fulfilment,
    store_id AS site_id,
    CASE
        WHEN row_number() OVER (PARTITION BY basket_id ORDER BY product_id) > 1 THEN 'another line of the same basket'
    END AS removed_because
FROM read_parquet(getvariable('root') || '/transactions_sample_100k.parquet')
