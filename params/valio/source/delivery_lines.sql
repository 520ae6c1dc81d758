-- What of a line was delivered; the quantity is that of the line and stands on each of its picks.
-- records of: valio_aimo_replacement_orders_junction_2025.csv
-- removes: another pick of the same line
-- removes: no delivery is named
SELECT
    delivery_number || '-' || order_number AS delivery_id,
    order_number AS order_id,
    order_row_number AS line_no,
    CASE
        WHEN sales_unit = 'KG' THEN CAST(round(TRY_CAST(delivered_qty AS DECIMAL(18, 3)) * 1000) AS VARCHAR)
        ELSE delivered_qty
    END AS quantity_delivered,
    CASE
        WHEN delivery_number IS NULL THEN 'no delivery is named'
        WHEN row_number() OVER (
            PARTITION BY delivery_number, order_number, order_row_number
            ORDER BY transfer_number, picking_confirmed_time, picking_picked_qty
        ) > 1 THEN 'another pick of the same line'
    END AS removed_because
FROM read_csv(getvariable('root') || '/valio_aimo_replacement_orders_junction_2025.csv', all_varchar = true, header = true, delim = ',')
