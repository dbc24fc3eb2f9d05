-- The answer, derived from `counts` alone. One text for SQLite, PostgreSQL and Spark SQL: each statement is a view in
-- the store, and the tests also run it in Spark. The usual resolution is the recorded one with the most calls; ties go
-- to the alphabetically first, and `Not recorded` has no vote.
--
-- Votes and totals are combined by UNION ALL and grouped again rather than joined: SQLite builds no index for such a
-- join, and would take seconds instead of tenths of a second.

-- name: window_answers
SELECT
    window_start,
    MAX(window_end) AS window_end,
    CAST(SUM(calls) AS BIGINT) AS calls,
    CAST(SUM(crime_types) AS BIGINT) AS crime_types,
    MAX(usual_resolution) AS usual_resolution,
    MAX(usual_resolution_calls) AS usual_resolution_calls
FROM (
    SELECT
        window_start,
        MAX(window_end) AS window_end,
        CAST(SUM(calls) AS BIGINT) AS calls,
        COUNT(DISTINCT crime_type) AS crime_types,
        NULL AS usual_resolution,
        NULL AS usual_resolution_calls
    FROM counts
    GROUP BY window_start
    UNION ALL
    SELECT window_start, NULL, 0, 0, resolution, calls
    FROM (
        SELECT
            window_start,
            resolution,
            CAST(SUM(calls) AS BIGINT) AS calls,
            ROW_NUMBER() OVER (PARTITION BY window_start ORDER BY SUM(calls) DESC, resolution) AS place
        FROM counts
        WHERE resolution <> 'Not recorded'
        GROUP BY window_start, resolution
    ) AS votes
    WHERE place = 1
) AS parts
GROUP BY window_start;

-- name: crime_type_answers
SELECT
    crime_type,
    CAST(SUM(calls) AS BIGINT) AS calls,
    CAST(SUM(windows) AS BIGINT) AS windows,
    MAX(usual_resolution) AS usual_resolution,
    MAX(usual_resolution_calls) AS usual_resolution_calls
FROM (
    SELECT
        crime_type,
        CAST(SUM(calls) AS BIGINT) AS calls,
        COUNT(DISTINCT window_start) AS windows,
        NULL AS usual_resolution,
        NULL AS usual_resolution_calls
    FROM counts
    GROUP BY crime_type
    UNION ALL
    SELECT crime_type, 0, 0, resolution, calls
    FROM (
        SELECT
            crime_type,
            resolution,
            CAST(SUM(calls) AS BIGINT) AS calls,
            ROW_NUMBER() OVER (PARTITION BY crime_type ORDER BY SUM(calls) DESC, resolution) AS place
        FROM counts
        WHERE resolution <> 'Not recorded'
        GROUP BY crime_type, resolution
    ) AS votes
    WHERE place = 1
) AS parts
GROUP BY crime_type;

-- name: overall_answer
SELECT
    CAST(SUM(calls) AS BIGINT) AS calls,
    CAST(SUM(windows) AS BIGINT) AS windows,
    CAST(SUM(crime_types) AS BIGINT) AS crime_types,
    MAX(usual_resolution) AS usual_resolution,
    MAX(usual_resolution_calls) AS usual_resolution_calls
FROM (
    SELECT
        CAST(COALESCE(SUM(calls), 0) AS BIGINT) AS calls,
        COUNT(DISTINCT window_start) AS windows,
        COUNT(DISTINCT crime_type) AS crime_types,
        NULL AS usual_resolution,
        NULL AS usual_resolution_calls
    FROM counts
    UNION ALL
    SELECT 0, 0, 0, resolution, calls
    FROM (
        SELECT
            resolution,
            CAST(SUM(calls) AS BIGINT) AS calls,
            ROW_NUMBER() OVER (ORDER BY SUM(calls) DESC, resolution) AS place
        FROM counts
        WHERE resolution <> 'Not recorded'
        GROUP BY resolution
    ) AS votes
    WHERE place = 1
) AS parts;
