-- The answer, derived from `counts` alone: one text for SQLite, PostgreSQL and Spark SQL. The usual payment is the one
-- with the most rides, ties go to the alphabetically first. Fares are sums of scaled integers (cents).

-- name: window_answers
SELECT
    window_start,
    MAX(window_end) AS window_end,
    CAST(SUM(rides) AS BIGINT) AS rides,
    COUNT(DISTINCT zone) AS zones,
    CAST(SUM(fare) AS BIGINT) AS fare
FROM counts
GROUP BY window_start;

-- name: zone_answers
SELECT
    zone,
    CAST(SUM(rides) AS BIGINT) AS rides,
    CAST(SUM(fare) AS BIGINT) AS fare,
    MAX(CASE WHEN place = 1 THEN payment END) AS usual_payment,
    CAST(MAX(CASE WHEN place = 1 THEN rides END) AS BIGINT) AS usual_payment_rides
FROM (
    SELECT
        zone,
        payment,
        SUM(rides) AS rides,
        SUM(fare) AS fare,
        ROW_NUMBER() OVER (PARTITION BY zone ORDER BY SUM(rides) DESC, payment) AS place
    FROM counts
    GROUP BY zone, payment
) AS payments
GROUP BY zone;

-- name: overall_answer
SELECT
    CAST(COALESCE(SUM(rides), 0) AS BIGINT) AS rides,
    CAST(COALESCE(MAX(windows), 0) AS BIGINT) AS windows,
    CAST(COALESCE(MAX(zones), 0) AS BIGINT) AS zones,
    CAST(COALESCE(SUM(fare), 0) AS BIGINT) AS fare,
    MAX(CASE WHEN place = 1 THEN payment END) AS usual_payment,
    CAST(MAX(CASE WHEN place = 1 THEN rides END) AS BIGINT) AS usual_payment_rides
FROM (
    SELECT
        payment,
        SUM(rides) AS rides,
        SUM(fare) AS fare,
        ROW_NUMBER() OVER (ORDER BY SUM(rides) DESC, payment) AS place
    FROM counts
    GROUP BY payment
) AS payments
CROSS JOIN (
    SELECT COUNT(DISTINCT window_start) AS windows, COUNT(DISTINCT zone) AS zones FROM counts
) AS totals;
