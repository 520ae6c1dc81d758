-- Orders. The stored status is of the day of export and is never read as of an earlier day
-- (1,704 orders not yet arrived at the end of 2018Q2 carry 'delivered'); reports derive it from times.
-- One thing only is taken from it: that an order was cancelled or could not be had ('canceled',
-- 'unavailable'). When that became known is not recorded; it is taken as the latest time on record for
-- the order or its promised day, whichever is later: an assumption, and never too early.
-- 2016-09..12 and 2018-09..10 are stubs; they are kept, periods begin with 2017Q1.
-- records of: olist_orders_dataset.csv
SELECT
    o.order_id,
    c.customer_unique_id AS customer_id,
    o.order_purchase_timestamp AS ordered_at,
    'marketplace' AS channel,
    'direct_ship' AS fulfilment,
    CASE
        WHEN o.order_status IN ('canceled', 'unavailable') THEN greatest(
            CAST(o.order_purchase_timestamp AS TIMESTAMP),
            CAST(o.order_approved_at AS TIMESTAMP),
            CAST(o.order_delivered_carrier_date AS TIMESTAMP),
            CAST(o.order_delivered_customer_date AS TIMESTAMP),
            CAST(o.order_estimated_delivery_date AS TIMESTAMP)
        )
    END AS cancelled_at
FROM read_csv(getvariable('root') || '/olist_orders_dataset.csv', all_varchar = true, header = true, delim = ',') o
LEFT JOIN read_csv(getvariable('root') || '/olist_customers_dataset.csv', all_varchar = true, header = true, delim = ',') c
    USING (customer_id)
