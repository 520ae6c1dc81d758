-- records of: orders.parquet
-- Every order taken, cancelled ones too.
SELECT
    order_id,
    customer_id,
    ordered_at,
    channel,
    fulfilment,
    site_id,
    agreement_id,
    campaign_id,
    rush,
    cancelled_at
FROM read_parquet(getvariable('root') || '/orders.parquet')
