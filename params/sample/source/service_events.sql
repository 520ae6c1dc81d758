-- records of: service_events.parquet
SELECT
    event_id,
    order_id,
    customer_id,
    kind,
    happened_at,
    answered_at,
    department
FROM read_parquet(getvariable('root') || '/service_events.parquet')
