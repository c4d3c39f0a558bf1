-- Payloads and intervals of experiments.
--
-- A book holds the values (resources, scopes, headers, attribute sets, schema URLs) and series of one run under the
-- numbers that the run gave them, so that points are written without a translation. A payload row holds the shape
-- of its payload, a point row one point; both carry the book that their numbers belong to. No table has an index
-- but the intervals: rows are found by the minima and maxima that DuckDB keeps of every block.

CREATE SEQUENCE telemetry_numbers;

CREATE TABLE telemetry_stream (
    stream INTEGER NOT NULL,
    experiment_id VARCHAR NOT NULL,
    name VARCHAR NOT NULL,
    payloads BIGINT NOT NULL,
    points BIGINT NOT NULL
);

CREATE TABLE telemetry_book (
    book INTEGER NOT NULL,
    experiment_id VARCHAR NOT NULL,
    -- Appends that used the book; tells whether what a writer remembers of it was committed.
    appends BIGINT NOT NULL
);

CREATE TABLE telemetry_value (
    book INTEGER NOT NULL,
    kind VARCHAR NOT NULL,
    id INTEGER NOT NULL,
    -- The exact content: an OTLP message, or the text of a schema URL.
    wire BLOB NOT NULL,
    -- The same for people: names of headers, scopes and schema URLs, units of headers, attributes as text.
    name VARCHAR NOT NULL,
    unit VARCHAR NOT NULL,
    attributes MAP(VARCHAR, VARCHAR) NOT NULL
);

CREATE TABLE telemetry_series (
    book INTEGER NOT NULL,
    series INTEGER NOT NULL,
    -- Numbers of values; -1 where the sender gave no resource or scope.
    resource INTEGER NOT NULL,
    scope INTEGER NOT NULL,
    header INTEGER NOT NULL,
    attributes INTEGER NOT NULL
);

CREATE TABLE telemetry_payload (
    stream INTEGER NOT NULL,
    book INTEGER NOT NULL,
    payload BIGINT NOT NULL,
    -- Unix nanoseconds.
    arrival UBIGINT NOT NULL,
    first_point BIGINT NOT NULL,
    points INTEGER NOT NULL,
    -- Resource blocks, scope blocks and metrics in order, and how many children each has.
    rm_resource INTEGER[] NOT NULL,
    rm_schema INTEGER[] NOT NULL,
    rm_scopes INTEGER[] NOT NULL,
    sm_scope INTEGER[] NOT NULL,
    sm_schema INTEGER[] NOT NULL,
    sm_metrics INTEGER[] NOT NULL,
    m_header INTEGER[] NOT NULL,
    m_points INTEGER[] NOT NULL,
    -- DuckDB may store equal doubles as one, and -0.0 equals 0.0, any NaN any other: here are their bits.
    exact_at INTEGER[] NOT NULL,
    exact_bits UBIGINT[] NOT NULL
);

CREATE TABLE telemetry_point (
    stream INTEGER NOT NULL,
    book INTEGER NOT NULL,
    -- Position in the stream, from 0.
    point BIGINT NOT NULL,
    payload BIGINT NOT NULL,
    series INTEGER NOT NULL,
    -- Unix nanoseconds, 0 where not given.
    time UBIGINT NOT NULL,
    start_time UBIGINT NOT NULL,
    -- 0 nothing, 1 int, 2 double, 3 histogram, 4 exponential histogram, 5 summary.
    kind UTINYINT NOT NULL,
    int_value BIGINT,
    double_value DOUBLE,
    flags UINTEGER NOT NULL
);

-- What a point has beyond numbers: histogram, exponential histogram, summary, exemplars.
CREATE TABLE telemetry_side (
    stream INTEGER NOT NULL,
    point BIGINT NOT NULL,
    wire BLOB NOT NULL
);

CREATE TABLE telemetry_interval (
    experiment_id VARCHAR NOT NULL,
    index INTEGER NOT NULL,
    start_time TIMESTAMPTZ NOT NULL,
    end_time TIMESTAMPTZ NOT NULL,
    warmup BOOLEAN NOT NULL,
    json VARCHAR NOT NULL,
    PRIMARY KEY (experiment_id, index)
);

-- Number points with their names, for people and SQL.
CREATE VIEW telemetry AS
SELECT
    s.experiment_id,
    s.name AS stream,
    p.payload,
    make_timestamp_ns(TRY_CAST(nullif(p.time, 0) AS BIGINT)) AS time,
    h.name AS metric,
    h.unit,
    r.attributes AS resource,
    a.attributes,
    coalesce(p.double_value, p.int_value::DOUBLE) AS value
FROM telemetry_point p
JOIN telemetry_stream s ON s.stream = p.stream
JOIN telemetry_series i ON i.book = p.book AND i.series = p.series
JOIN telemetry_value h ON h.book = i.book AND h.kind = 'header' AND h.id = i.header
JOIN telemetry_value a ON a.book = i.book AND a.kind = 'attributes' AND a.id = i.attributes
LEFT JOIN telemetry_value r ON r.book = i.book AND r.kind = 'resource' AND r.id = i.resource
WHERE p.kind IN (1, 2);
