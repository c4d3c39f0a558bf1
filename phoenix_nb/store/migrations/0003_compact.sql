-- The shape of a payload is a value of its book, written once while it repeats, and nothing is counted that the rows
-- tell.

CREATE TABLE compact_payload (
    stream INTEGER NOT NULL,
    book INTEGER NOT NULL,
    -- Position in the stream, from 0.
    payload BIGINT NOT NULL,
    -- Unix nanoseconds.
    arrival UBIGINT NOT NULL,
    -- Points of the stream before it, and its own.
    first_point BIGINT NOT NULL,
    points INTEGER NOT NULL,
    -- The id of a value of kind 'shape': its blocks in order, how many children each has, and the bits of doubles that
    -- DuckDB takes for equal to others (-0.0 and 0.0, one NaN and another).
    shape INTEGER NOT NULL
);

INSERT INTO compact_payload
SELECT stream, book, payload, arrival, first_point, points, rowid::INTEGER FROM telemetry_payload ORDER BY rowid;

INSERT INTO telemetry_value
SELECT
    book, 'shape', rowid::INTEGER,
    packed_shape(
        [rm_resource, rm_schema, rm_scopes, sm_scope, sm_schema, sm_metrics, m_header, m_points, exact_at],
        exact_bits
    ),
    '', '', map()
FROM telemetry_payload
ORDER BY rowid;

DROP TABLE telemetry_payload;
ALTER TABLE compact_payload RENAME TO telemetry_payload;

ALTER TABLE telemetry_stream DROP COLUMN payloads;
ALTER TABLE telemetry_stream DROP COLUMN points;
ALTER TABLE telemetry_book DROP COLUMN appends;
