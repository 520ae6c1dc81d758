-- What of a line was delivered; the quantity is that of the line and stands on each of its picks. Trap: 33 lines were
-- split into batches. Their picks say 0 and the quantity stands, batch by batch, on further records without a transfer
-- number: those are added up (of 31 lines the sum is what was picked; of 2 the picks were not confirmed). Equal batches
-- are batches, not repeats.
-- records of: valio_aimo_replacement_orders_junction_2025.csv
-- removes: another pick of the same line
-- removes: no delivery is named
SELECT
    delivery_number || '-' || order_number AS delivery_id,
    order_number AS order_id,
    order_row_number AS line_no,
    CAST(
        coalesce(
            sum(TRY_CAST(delivered_qty AS DECIMAL(18, 3))) FILTER (transfer_number IS NULL) OVER line,
            TRY_CAST(delivered_qty AS DECIMAL(18, 3))
        ) * CASE WHEN sales_unit = 'KG' THEN 1000 ELSE 1 END AS VARCHAR
    ) AS quantity_delivered,
    CASE
        WHEN delivery_number IS NULL THEN 'no delivery is named'
        WHEN row_number() OVER (
            PARTITION BY delivery_number, order_number, order_row_number
            ORDER BY transfer_number, picking_confirmed_time, picking_picked_qty
        ) > 1 THEN 'another pick of the same line'
    END AS removed_because
FROM read_csv(getvariable('root') || '/valio_aimo_replacement_orders_junction_2025.csv', all_varchar = true, header = true, delim = ',')
WINDOW line AS (PARTITION BY delivery_number, order_number, order_row_number)
