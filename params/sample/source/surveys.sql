-- records of: surveys.csv
-- One line per item of an invitation, answered or not.
SELECT
    response_id,
    customer_id,
    order_id,
    item,
    invited_at,
    reminded_at,
    answered_at,
    score,
    scale,
    comment
FROM read_csv(getvariable('root') || '/surveys.csv', all_varchar = true, header = true)
