-- Articles. `brand` tells national from private only. Package sizes are words ("16 OZ", "22 LB") in many spellings, a
-- third of them missing: they stay among the attributes, no weight is made of them.
-- records of: products.parquet
SELECT
    product_id,
    product_category AS category,
    brand,
    to_json({
        department: department, type: product_type, manufacturer: manufacturer_id, package: package_size
    })::VARCHAR AS attributes
FROM read_parquet(getvariable('root') || '/products.parquet')
