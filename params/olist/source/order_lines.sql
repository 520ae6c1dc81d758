-- Order lines; each is one piece. Price is what the buyer paid for the article, without freight.
-- Olist is a marketplace: what the article cost its seller is not known, so there is no cost_of_goods.
-- 775 orders have no lines (nearly all cancelled or unavailable); they stay orders.
-- records of: olist_order_items_dataset.csv
SELECT
    order_id,
    order_item_id AS line_no,
    product_id,
    1 AS quantity_ordered,
    cents(price) AS net_revenue
FROM read_csv(getvariable('root') || '/olist_order_items_dataset.csv', all_varchar = true, header = true, delim = ',')
