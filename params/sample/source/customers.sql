-- records of: customers.parquet
-- removes: test account
-- Three accounts are for trying things out; a customer who moved has a row per region.
SELECT
    customer_id,
    type,
    channel,
    region,
    country,
    postcode,
    joined_on,
    birth_year,
    household_size,
    latitude,
    longitude,
    has_card,
    profiling_consent,
    valid_from,
    valid_to,
    CASE WHEN customer_id LIKE 'TEST%' THEN 'test account' END AS removed_because
FROM read_parquet(getvariable('root') || '/customers.parquet')
