-- records of: returns.parquet
SELECT
    order_id,
    line_no,
    returned_at,
    quantity,
    refund,
    reason
FROM read_parquet(getvariable('root') || '/returns.parquet')
