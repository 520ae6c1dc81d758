-- records of: activities.parquet
SELECT
    activity_id,
    order_id,
    customer_id,
    activity,
    department,
    happened_at,
    quantity,
    drivers
FROM read_parquet(getvariable('root') || '/activities.parquet')
