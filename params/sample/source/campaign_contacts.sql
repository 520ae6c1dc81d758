-- records of: campaign_contacts.parquet
SELECT
    campaign_id,
    customer_id,
    contacted_at,
    held_out
FROM read_parquet(getvariable('root') || '/campaign_contacts.parquet')
