-- Orders with a replacement line; their other lines are not in the data, so an order here is a part of an order.
-- Times are hhmmss. The requested day is what the customer asked for, no promise, and no arrival is recorded.
-- records of: valio_aimo_replacement_orders_junction_2025.csv
-- removes: another record of the same order
SELECT
    order_number AS order_id,
    customer_number AS customer_id,
    strptime(order_created_date || ' ' || order_created_time, '%Y-%m-%d %H%M%S') AS ordered_at,
    CASE
        WHEN row_number() OVER (
            PARTITION BY order_number ORDER BY order_row_number, transfer_number, picking_confirmed_time
        ) > 1 THEN 'another record of the same order'
    END AS removed_because
FROM read_csv(getvariable('root') || '/valio_aimo_replacement_orders_junction_2025.csv', all_varchar = true, header = true, delim = ',')
