-- Sellers' places. Coordinates: median of the points of the zip prefix inside Brazil's frame
-- (261,831 exact repeats and 31 points outside Brazil carry no weight).
-- records of: olist_sellers_dataset.csv
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
)
SELECT s.seller_id AS site_id, 'seller' AS kind, s.seller_state AS region, p.latitude, p.longitude
FROM read_csv(getvariable('root') || '/olist_sellers_dataset.csv', all_varchar = true, header = true, delim = ',') s
LEFT JOIN places p ON p.zip = s.seller_zip_code_prefix
