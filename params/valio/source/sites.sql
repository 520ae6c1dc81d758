-- Plants that delivered; 360 lines name none.
-- records of: valio_aimo_replacement_orders_junction_2025.csv
-- removes: another record of the same plant
-- removes: no plant is named
SELECT
    plant AS site_id,
    'warehouse' AS kind,
    CASE
        WHEN plant IS NULL THEN 'no plant is named'
        WHEN row_number() OVER (
            PARTITION BY plant ORDER BY order_number, order_row_number, transfer_number, picking_confirmed_time
        ) > 1 THEN 'another record of the same plant'
    END AS removed_because
FROM read_csv(getvariable('root') || '/valio_aimo_replacement_orders_junction_2025.csv', all_varchar = true, header = true, delim = ',')
