-- Products, category in English. The translation file has a BOM and CRLF; two categories have no
-- translation and keep their Portuguese name; 610 products have no category at all.
-- Weight in grams as given; volume from the three lengths in centimetres.
-- records of: olist_products_dataset.csv
SELECT
    p.product_id,
    coalesce(t.product_category_name_english, p.product_category_name) AS category,
    p.product_weight_g AS weight_g,
    CAST(p.product_length_cm AS INTEGER) * CAST(p.product_height_cm AS INTEGER) * CAST(p.product_width_cm AS INTEGER)
        AS volume_ml
FROM read_csv(getvariable('root') || '/olist_products_dataset.csv', all_varchar = true, header = true, delim = ',') p
LEFT JOIN read_csv(
    getvariable('root') || '/product_category_name_translation.csv',
    all_varchar = true, header = true, delim = ',', names = ['product_category_name', 'product_category_name_english']
) t USING (product_category_name)
