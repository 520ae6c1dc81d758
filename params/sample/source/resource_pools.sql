-- records of: resource_pools.parquet
SELECT
    pool,
    month,
    practical_capacity_minutes
FROM read_parquet(getvariable('root') || '/resource_pools.parquet')
