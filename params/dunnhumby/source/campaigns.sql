-- Campaigns; the type (A: chosen for the household, B and C: the same for all) is the template they were run from.
-- records of: campaign_descriptions.parquet
SELECT campaign_id, campaign_type AS template_id, start_date AS starts_on
FROM read_parquet(getvariable('root') || '/campaign_descriptions.parquet')
