-- Payments; when they were made is not recorded.
-- records of: olist_order_payments_dataset.csv
SELECT
    order_id,
    payment_sequential AS payment_no,
    payment_type AS kind,
    payment_installments AS instalments,
    cents(payment_value) AS amount
FROM read_csv(getvariable('root') || '/olist_order_payments_dataset.csv', all_varchar = true, header = true, delim = ',')
