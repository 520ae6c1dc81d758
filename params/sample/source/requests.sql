-- records of: requests.parquet
SELECT
    request_id,
    customer_id,
    requested_at,
    request_type,
    text
FROM read_parquet(getvariable('root') || '/requests.parquet')
