-- Who was in a campaign. Nobody was held out: households outside a campaign were not chosen by chance, so they are no
-- comparison. The day of the contact is not recorded; the campaign's first day stands in for it.
-- records of: campaigns.parquet
SELECT c.campaign_id, c.household_id AS customer_id, d.start_date AS contacted_at, false AS held_out
FROM read_parquet(getvariable('root') || '/campaigns.parquet') c
LEFT JOIN read_parquet(getvariable('root') || '/campaign_descriptions.parquet') d USING (campaign_id)
