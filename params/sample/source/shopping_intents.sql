-- records of: shopping_intents.parquet
SELECT
    intent_id,
    customer_id,
    product_id,
    term,
    site_id,
    occurred_at,
    outcome,
    substitute_product_id
FROM read_parquet(getvariable('root') || '/shopping_intents.parquet')
