-- records of: stock_levels.parquet
SELECT
    site_id,
    product_id,
    day,
    on_hand
FROM read_parquet(getvariable('root') || '/stock_levels.parquet')
