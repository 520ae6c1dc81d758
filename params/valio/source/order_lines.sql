-- Replacement lines: what staff keyed in place of what could not be picked; what the customer first wanted is not named.
-- A record is a pick; a line picked in several goes is several records, with the ordered quantity repeated. 20 records are
-- exact repeats. Goods sold by weight (KG) are counted in grams, all others in their unit. There are no prices at all.
-- 31 ordered quantities are 0 and stay: lines that were emptied again. One line of pieces holds a fraction and is quarantined.
-- records of: valio_aimo_replacement_orders_junction_2025.csv
-- removes: another pick of the same line
SELECT
    order_number AS order_id,
    order_row_number AS line_no,
    product_code AS product_id,
    CASE
        WHEN sales_unit = 'KG' THEN CAST(round(TRY_CAST(order_qty AS DECIMAL(18, 3)) * 1000) AS VARCHAR)
        ELSE order_qty
    END AS quantity_ordered,
    CASE
        WHEN row_number() OVER (
            PARTITION BY order_number, order_row_number ORDER BY transfer_number, picking_confirmed_time, picking_picked_qty
        ) > 1 THEN 'another pick of the same line'
    END AS removed_because
FROM read_csv(getvariable('root') || '/valio_aimo_replacement_orders_junction_2025.csv', all_varchar = true, header = true, delim = ',')
