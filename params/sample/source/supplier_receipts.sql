-- records of: supplier_receipts.parquet
SELECT
    purchase_order_id,
    line_no,
    supplier_id,
    product_id,
    site_id,
    ordered_at,
    promised_at,
    received_at,
    quantity_ordered,
    quantity_received
FROM read_parquet(getvariable('root') || '/supplier_receipts.parquet')
