-- records of: campaigns.parquet
SELECT
    campaign_id,
    template_id,
    department,
    cost,
    starts_on
FROM read_parquet(getvariable('root') || '/campaigns.parquet')
