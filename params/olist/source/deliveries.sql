-- Shipments: what one seller sends for one order; an order without lines is one shipment still to send,
-- so that its promise is not forgotten. Olist records one hand-over and one arrival per order.
-- Traps: the promise is a midnight, so an order that arrives in the course of the promised day is late by
-- timestamp and in time by calendar day: both are measured. 8 orders called delivered have no arrival.
-- Hand-overs before purchase (166) and after arrival (23) are emptied on entry; those before the seller's
-- approval (1,359) are possible and stay.
-- Freight is what the buyer was charged for it per line: the only freight there is.
-- Weight: sum over lines, unknown if it is unknown for one of them. Distance: great circle between the
-- medians of the two zip prefixes' points inside Brazil.
-- records of: olist_order_items_dataset.csv
-- records of: olist_orders_dataset.csv
-- removes: another line of the same shipment
-- removes: an order whose shipments come from its lines
WITH places AS (
    SELECT zip, median(latitude) AS latitude, median(longitude) AS longitude
    FROM (
        SELECT DISTINCT
            geolocation_zip_code_prefix AS zip,
            CAST(geolocation_lat AS DOUBLE) AS latitude,
            CAST(geolocation_lng AS DOUBLE) AS longitude
        FROM read_csv(getvariable('root') || '/olist_geolocation_dataset.csv', all_varchar = true, header = true, delim = ',')
    )
    WHERE latitude BETWEEN -34 AND 5.3 AND longitude BETWEEN -74 AND -34.7
    GROUP BY zip
),
orders AS (
    SELECT o.*, p.latitude, p.longitude
    FROM read_csv(getvariable('root') || '/olist_orders_dataset.csv', all_varchar = true, header = true, delim = ',') o
    LEFT JOIN read_csv(getvariable('root') || '/olist_customers_dataset.csv', all_varchar = true, header = true, delim = ',') c
        USING (customer_id)
    LEFT JOIN places p ON p.zip = c.customer_zip_code_prefix
),
lines AS (
    SELECT
        i.order_id,
        i.seller_id,
        sum(cents(i.freight_value)) OVER shipment AS freight_cost,
        CASE
            WHEN count(w.product_weight_g) OVER shipment = count(*) OVER shipment
                THEN sum(CAST(w.product_weight_g AS BIGINT)) OVER shipment
        END AS weight_g,
        row_number() OVER (PARTITION BY i.order_id, i.seller_id ORDER BY CAST(i.order_item_id AS INTEGER)) AS line
    FROM read_csv(getvariable('root') || '/olist_order_items_dataset.csv', all_varchar = true, header = true, delim = ',') i
    LEFT JOIN read_csv(getvariable('root') || '/olist_products_dataset.csv', all_varchar = true, header = true, delim = ',') w
        USING (product_id)
    WINDOW shipment AS (PARTITION BY i.order_id, i.seller_id)
),
sellers AS (
    SELECT s.seller_id, p.latitude, p.longitude
    FROM read_csv(getvariable('root') || '/olist_sellers_dataset.csv', all_varchar = true, header = true, delim = ',') s
    LEFT JOIN places p ON p.zip = s.seller_zip_code_prefix
)
SELECT
    l.order_id || '-' || l.seller_id AS delivery_id,
    l.order_id,
    o.order_delivered_carrier_date AS shipped_at,
    o.order_delivered_customer_date AS delivered_at,
    o.order_estimated_delivery_date AS promised_by,
    l.seller_id AS from_site_id,
    CAST(l.freight_cost AS BIGINT) AS freight_cost,
    CAST(l.weight_g AS BIGINT) AS weight_g,
    metres(o.latitude, o.longitude, s.latitude, s.longitude) AS distance_m,
    CASE WHEN l.line > 1 THEN 'another line of the same shipment' END AS removed_because
FROM lines l
LEFT JOIN orders o USING (order_id)
LEFT JOIN sellers s USING (seller_id)
UNION ALL BY NAME
SELECT
    o.order_id AS delivery_id,
    o.order_id,
    o.order_delivered_carrier_date AS shipped_at,
    o.order_delivered_customer_date AS delivered_at,
    o.order_estimated_delivery_date AS promised_by,
    CASE WHEN o.order_id IN (SELECT order_id FROM lines) THEN 'an order whose shipments come from its lines' END
        AS removed_because
FROM orders o
