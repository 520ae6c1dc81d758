-- Answers of one to five stars, each an invitation that was answered; who never answered is not known.
-- Traps: 789 review ids stand on several orders and 547 orders have several reviews, so an answer is the
-- pair of both ids; 768 orders have none. An invitation goes out the day after arrival or once the promised
-- day has come: many were sent before anything arrived, and a later arrival cannot cause an earlier answer.
-- Of this copy 18 invitation times are lost: the publisher's rule above stands in for them. 65 answer times
-- are lost too; such an answer counts from 30 days after its invitation on (docs/METHODS.md section 0).
-- Review texts hold quoted line breaks; they are personal and not taken.
-- records of: olist_order_reviews_dataset.csv
SELECT
    r.review_id || '-' || r.order_id AS response_id,
    c.customer_unique_id AS customer_id,
    r.order_id,
    'recommend' AS item,
    coalesce(
        CAST(r.review_creation_date AS TIMESTAMP),
        least(
            date_trunc('day', CAST(o.order_delivered_customer_date AS TIMESTAMP)) + INTERVAL 1 DAY,
            CAST(o.order_estimated_delivery_date AS TIMESTAMP) + INTERVAL 1 DAY
        )
    ) AS invited_at,
    r.review_answer_timestamp AS answered_at,
    r.review_score AS score,
    'stars_1_5' AS scale
FROM read_csv(
    getvariable('root') || '/olist_order_reviews_dataset.csv',
    all_varchar = true, header = true, delim = ',', quote = '"', escape = '"'
) r
LEFT JOIN read_csv(getvariable('root') || '/olist_orders_dataset.csv', all_varchar = true, header = true, delim = ',') o
    USING (order_id)
LEFT JOIN read_csv(getvariable('root') || '/olist_customers_dataset.csv', all_varchar = true, header = true, delim = ',') c
    USING (customer_id)
