-- Deliveries of an order; 51 delivery numbers serve several orders, so both numbers name one. When it left or arrived is
-- not recorded (picking is confirmed on 1970-01-01, that is, at an unknown time, 232 times): no times are brought.
-- records of: valio_aimo_replacement_orders_junction_2025.csv
-- removes: another record of the same delivery
-- removes: no delivery is named
SELECT
    delivery_number || '-' || order_number AS delivery_id,
    order_number AS order_id,
    plant AS from_site_id,
    CASE
        WHEN delivery_number IS NULL THEN 'no delivery is named'
        WHEN row_number() OVER (
            PARTITION BY delivery_number, order_number ORDER BY order_row_number, transfer_number, picking_confirmed_time
        ) > 1 THEN 'another record of the same delivery'
    END AS removed_because
FROM read_csv(getvariable('root') || '/valio_aimo_replacement_orders_junction_2025.csv', all_varchar = true, header = true, delim = ',')
