-- Articles: of the replacement lines, and of the three files of counts. The counts (stock-outs, orders, shortage over the
-- whole year) have no day and stay among the attributes; a shortage of less than nothing is the source's own.
-- A product is sold in several units; units are named on the lines only.
-- records of: product_primary_supplier.csv
-- records of: product_stockout_stats.csv
-- records of: valio_aimo_replacement_orders_junction_2025.csv
-- removes: another record of the same product
WITH seen AS (
    SELECT product_code, 1 AS file, supplier_id AS record
    FROM read_csv(getvariable('root') || '/product_primary_supplier.csv', all_varchar = true, header = true, delim = ',')
    UNION ALL
    SELECT product_code, 2, total_orders
    FROM read_csv(getvariable('root') || '/product_stockout_stats.csv', all_varchar = true, header = true, delim = ',')
    UNION ALL
    SELECT product_code, 3, order_number || '-' || order_row_number
    FROM read_csv(getvariable('root') || '/valio_aimo_replacement_orders_junction_2025.csv', all_varchar = true, header = true, delim = ',')
)
SELECT
    s.product_code AS product_id,
    to_json({
        primary_supplier: p.supplier_id, orders: o.total_orders, stockouts: o.is_stockout_sum, shortage: o.total_shortage
    })::VARCHAR AS attributes,
    CASE
        WHEN row_number() OVER (PARTITION BY s.product_code ORDER BY s.file, s.record) > 1
            THEN 'another record of the same product'
    END AS removed_because
FROM seen s
LEFT JOIN read_csv(getvariable('root') || '/product_primary_supplier.csv', all_varchar = true, header = true, delim = ',') p
    USING (product_code)
LEFT JOIN read_csv(getvariable('root') || '/product_stockout_stats.csv', all_varchar = true, header = true, delim = ',') o
    USING (product_code)
