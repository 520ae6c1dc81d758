-- records of: agreements.parquet
SELECT
    agreement_id,
    customer_id,
    term,
    value,
    department,
    valid_from,
    valid_to
FROM read_parquet(getvariable('root') || '/agreements.parquet')
