-- records of: ledger.parquet
SELECT
    month,
    account,
    pool,
    posting_no,
    amount,
    currency
FROM read_parquet(getvariable('root') || '/ledger.parquet')
