-- records of: deliveries.parquet
SELECT
    delivery_id,
    order_id,
    shipped_at,
    delivered_at,
    promised_from,
    promised_by,
    carrier,
    from_site_id,
    freight_cost,
    freight_invoice_id,
    weight_g,
    documents_ok,
    distance_m
FROM read_parquet(getvariable('root') || '/deliveries.parquet')
