-- Households: those that bought, those with demographics, those in campaigns. Every one holds a card.
-- Trap: the age band and income band have no date, so no year of birth is made of them. A household size of
-- "5+" means five or more and is left empty, for five would be too low.
-- records of: transactions_sample_100k.parquet
-- records of: demographics.parquet
-- records of: campaigns.parquet
-- removes: another record of the same household
WITH seen AS (
    SELECT household_id, 1 AS file, basket_id || '-' || product_id AS record FROM read_parquet(getvariable('root') || '/transactions_sample_100k.parquet')
    UNION ALL
    SELECT household_id, 2, household_id FROM read_parquet(getvariable('root') || '/demographics.parquet')
    UNION ALL
    SELECT household_id, 3, campaign_id FROM read_parquet(getvariable('root') || '/campaigns.parquet')
)
SELECT
    s.household_id AS customer_id,
    'household' AS type,
    'US' AS country,
    CASE WHEN d.household_size <> '5+' THEN d.household_size END AS household_size,
    true AS has_card,
    CASE
        WHEN row_number() OVER (PARTITION BY s.household_id ORDER BY s.file, s.record) > 1
            THEN 'another record of the same household'
    END AS removed_because
FROM seen s
LEFT JOIN read_parquet(getvariable('root') || '/demographics.parquet') d USING (household_id)
