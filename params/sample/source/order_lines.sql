-- records of: order_lines.parquet
SELECT
    order_id,
    line_no,
    product_id,
    quantity_ordered,
    net_revenue,
    cost_of_goods
FROM read_parquet(getvariable('root') || '/order_lines.parquet')
