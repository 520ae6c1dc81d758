-- records of: payments.csv
-- The bookkeeping writes euros with a decimal point.
SELECT
    order_id,
    payment_no,
    kind,
    instalments,
    cents(amount) AS amount,
    paid_at
FROM read_csv(getvariable('root') || '/payments.csv', all_varchar = true, header = true)
