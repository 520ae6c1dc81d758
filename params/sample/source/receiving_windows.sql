-- records of: receiving_windows.parquet
SELECT
    customer_id,
    weekday,
    opens,
    closes,
    valid_from
FROM read_parquet(getvariable('root') || '/receiving_windows.parquet')
