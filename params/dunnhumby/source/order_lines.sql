-- Lines. sales_value is what the retailer received: loyalty discount and matched coupons are off already, a maker's
-- coupon is not, since its maker pays it. Quantities go up to 32,623 where fuel is sold by volume; 577 lines have
-- quantity 0 and 725 value 0 (free with a coupon): kept. 316 lines name articles that the article file lacks: they
-- are quarantined on entry. What an article cost is not known.
-- records of: transactions_sample_100k.parquet
SELECT
    basket_id AS order_id,
    row_number() OVER (PARTITION BY basket_id ORDER BY product_id) AS line_no,
    product_id,
    quantity AS quantity_ordered,
    cents(sales_value) AS net_revenue
FROM read_parquet(getvariable('root') || '/transactions_sample_100k.parquet')
