-- Every replacement line is a wish that could not be picked: what staff keyed in its place came (substituted), or nothing of
-- it came either (unavailable). What was wanted first is not named, and wishes that were met are not in the data: shares
-- are of wishes that needed a replacement.
-- records of: valio_aimo_replacement_orders_junction_2025.csv
-- removes: another pick of the same line
SELECT
    order_number || '-' || order_row_number AS intent_id,
    customer_number AS customer_id,
    plant AS site_id,
    strptime(order_created_date || ' ' || order_created_time, '%Y-%m-%d %H%M%S') AS occurred_at,
    CASE
        WHEN max(TRY_CAST(delivered_qty AS DECIMAL(18, 3))) OVER (PARTITION BY order_number, order_row_number) > 0
            THEN 'substituted'
        ELSE 'unavailable'
    END AS outcome,
    product_code AS substitute_product_id,
    CASE
        WHEN row_number() OVER (
            PARTITION BY order_number, order_row_number ORDER BY transfer_number, picking_confirmed_time, picking_picked_qty
        ) > 1 THEN 'another pick of the same line'
    END AS removed_because
FROM read_csv(getvariable('root') || '/valio_aimo_replacement_orders_junction_2025.csv', all_varchar = true, header = true, delim = ',')
