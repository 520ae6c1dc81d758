-- Customers of the replacement lines; nothing but their number is known.
-- records of: valio_aimo_replacement_orders_junction_2025.csv
-- removes: another record of the same customer
SELECT
    customer_number AS customer_id,
    'customer' AS type,
    'FI' AS country,
    CASE
        WHEN row_number() OVER (
            PARTITION BY customer_number ORDER BY order_number, order_row_number, transfer_number, picking_confirmed_time
        ) > 1 THEN 'another record of the same customer'
    END AS removed_because
FROM read_csv(getvariable('root') || '/valio_aimo_replacement_orders_junction_2025.csv', all_varchar = true, header = true, delim = ',')
