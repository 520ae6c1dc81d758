-- Baskets. Trap: 100,000 lines were drawn at random from 1.47 million, so a basket here is a part of a basket: its
-- lines, value and even whether it is seen at all are those of the sample. Frequencies must not be read off it.
-- Trap: times are UTC without saying so. Read that way every New York day lies in one `week` (364 of 364 days, the year
-- is 2017, nothing on Christmas Day); read as local times 51 days lie in two, and the year ends on 2018-01-01.
-- records of: transactions_sample_100k.parquet
-- removes: another line of the same basket
SELECT
    basket_id AS order_id,
    household_id AS customer_id,
    transaction_timestamp AT TIME ZONE 'UTC' AS ordered_at,
    'store' AS channel,
    'in_store' AS fulfilment,
    store_id AS site_id,
    CASE
        WHEN row_number() OVER (PARTITION BY basket_id ORDER BY product_id) > 1 THEN 'another line of the same basket'
    END AS removed_because
FROM read_parquet(getvariable('root') || '/transactions_sample_100k.parquet')
