-- records of: delivery_lines.parquet
SELECT
    delivery_id,
    order_id,
    line_no,
    quantity_delivered,
    damaged
FROM read_parquet(getvariable('root') || '/delivery_lines.parquet')
