-- records of: products.parquet
SELECT
    product_id,
    category,
    brand,
    weight_g,
    volume_ml,
    attributes
FROM read_parquet(getvariable('root') || '/products.parquet')
