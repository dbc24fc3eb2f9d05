-- The answer, derived from `counts` alone. One text for SQLite, PostgreSQL and Spark SQL: each statement is a view in
-- the store, and the tests also run it in Spark. The usual resolution is the recorded one with the most calls; ties go
-- to the alphabetically first, and `Not recorded` has no vote.
--
-- Totals that are `kept` are tables instead, as millions of counts take seconds to sum up: each micro-batch replaces
-- the share of the windows that it has changed. So their values have to be sums over windows, each by its keys.
--
-- Votes and totals are combined by UNION ALL and grouped again rather than joined: SQLite builds no index for such a
-- join, and would take seconds instead of tenths of a second.

-- name: window_totals
SELECT
    window_start,
    MAX(window_end) AS window_end,
    CAST(SUM(calls) AS BIGINT) AS calls,
    COUNT(DISTINCT crime_type) AS crime_types
FROM counts
GROUP BY window_start;

-- kept: spread_totals (crime_types): windows
SELECT crime_types, COUNT(*) AS windows FROM window_totals GROUP BY crime_types;

-- kept: crime_type_totals (crime_type): calls, windows
SELECT
    crime_type,
    CAST(SUM(calls) AS BIGINT) AS calls,
    COUNT(DISTINCT window_start) AS windows
FROM counts
GROUP BY crime_type;

-- kept: resolution_totals (crime_type, resolution): calls
SELECT crime_type, resolution, CAST(SUM(calls) AS BIGINT) AS calls FROM counts GROUP BY crime_type, resolution;

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
        window_end,
        calls,
        crime_types,
        NULL AS usual_resolution,
        NULL AS usual_resolution_calls
    FROM window_totals
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
        calls,
        windows,
        NULL AS usual_resolution,
        NULL AS usual_resolution_calls
    FROM crime_type_totals
    UNION ALL
    SELECT crime_type, 0, 0, resolution, calls
    FROM (
        SELECT
            crime_type,
            resolution,
            calls,
            ROW_NUMBER() OVER (PARTITION BY crime_type ORDER BY calls DESC, resolution) AS place
        FROM resolution_totals
        WHERE resolution <> 'Not recorded'
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
        0 AS windows,
        COUNT(*) AS crime_types,
        NULL AS usual_resolution,
        NULL AS usual_resolution_calls
    FROM crime_type_totals
    UNION ALL
    SELECT 0, 0, 0, resolution, calls
    FROM (
        SELECT
            resolution,
            CAST(SUM(calls) AS BIGINT) AS calls,
            ROW_NUMBER() OVER (ORDER BY SUM(calls) DESC, resolution) AS place
        FROM resolution_totals
        WHERE resolution <> 'Not recorded'
        GROUP BY resolution
    ) AS votes
    WHERE place = 1
    UNION ALL
    SELECT 0, CAST(COALESCE(SUM(windows), 0) AS BIGINT), 0, NULL, NULL FROM spread_totals
) AS parts;
