-- records of: sites.parquet
SELECT
    site_id,
    kind,
    region,
    latitude,
    longitude
FROM read_parquet(getvariable('root') || '/sites.parquet')
