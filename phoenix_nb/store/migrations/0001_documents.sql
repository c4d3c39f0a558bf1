-- Experiments, pipelines, deployments, simulations, alerts, reports, service instances and the journal.
--
-- Every table holds the JSON of one value per row, which is the truth, and the columns that lists are filtered and
-- ordered by. Ids are ULIDs with a prefix: they sort by age.

CREATE TABLE experiment (
    id VARCHAR PRIMARY KEY,
    version BIGINT NOT NULL,
    name VARCHAR NOT NULL,
    state VARCHAR NOT NULL,
    created_by VARCHAR NOT NULL,
    json JSON NOT NULL
);

-- Which experiment a caller's idempotency key made.
CREATE TABLE experiment_key (
    key VARCHAR PRIMARY KEY,
    experiment_id VARCHAR NOT NULL
);

CREATE TABLE pipeline (
    id VARCHAR PRIMARY KEY,
    name VARCHAR NOT NULL UNIQUE,
    type VARCHAR NOT NULL,
    template VARCHAR NOT NULL,
    created_by VARCHAR NOT NULL,
    json JSON NOT NULL
);

CREATE TABLE deployment (
    id VARCHAR PRIMARY KEY,
    pipeline_id VARCHAR NOT NULL,
    target VARCHAR NOT NULL,
    phase VARCHAR NOT NULL,
    json JSON NOT NULL
);

-- What is deployed on a target now.
CREATE TABLE deployment_current (
    target VARCHAR PRIMARY KEY,
    deployment_id VARCHAR NOT NULL
);

CREATE TABLE simulation (
    id VARCHAR PRIMARY KEY,
    version BIGINT NOT NULL,
    name VARCHAR NOT NULL,
    state VARCHAR NOT NULL,
    created_by VARCHAR NOT NULL,
    json JSON NOT NULL
);

CREATE TABLE alert_rule (
    id VARCHAR PRIMARY KEY,
    experiment_id VARCHAR NOT NULL,
    json JSON NOT NULL
);

CREATE TABLE alert (
    id VARCHAR PRIMARY KEY,
    rule_id VARCHAR NOT NULL,
    experiment_id VARCHAR NOT NULL,
    severity VARCHAR NOT NULL,
    state VARCHAR NOT NULL,
    triggered_at TIMESTAMPTZ NOT NULL,
    json JSON NOT NULL
);

CREATE TABLE report (
    id VARCHAR PRIMARY KEY,
    experiment_id VARCHAR NOT NULL,
    notebook_name VARCHAR NOT NULL,
    created_at TIMESTAMPTZ NOT NULL,
    json JSON NOT NULL
);

CREATE TABLE service_instance (
    id VARCHAR PRIMARY KEY,
    name VARCHAR NOT NULL,
    status VARCHAR NOT NULL,
    registered_at TIMESTAMPTZ NOT NULL,
    json JSON NOT NULL
);

CREATE TABLE event (
    -- Position in the journal, from 1 without holes.
    sequence BIGINT NOT NULL,
    id VARCHAR NOT NULL UNIQUE,
    time TIMESTAMPTZ NOT NULL,
    type VARCHAR NOT NULL,
    source VARCHAR NOT NULL,
    subject VARCHAR NOT NULL,
    metadata MAP(VARCHAR, VARCHAR) NOT NULL,
    json JSON NOT NULL
);

-- Experiments with what people ask for first; figures are empty until something was measured.
CREATE VIEW experiments AS
SELECT
    id,
    name,
    state,
    json ->> '$.state_reason' AS state_reason,
    json ->> '$.config.source' AS source,
    json ->> '$.baseline_pipeline' AS baseline,
    json ->> '$.candidate_pipeline' AS candidate,
    json ->> '$.results.verdict.state' AS verdict,
    json ->> '$.results.verdict.decided_by' AS decided_by,
    TRY_CAST(json ->> '$.results.intervals' AS BIGINT) AS intervals,
    TRY_CAST(json ->> '$.promoted' AS BOOLEAN) AS promoted,
    created_by,
    TRY_CAST(json ->> '$.created_at' AS TIMESTAMPTZ) AS created_at,
    TRY_CAST(json ->> '$.completed_at' AS TIMESTAMPTZ) AS completed_at
FROM experiment;

-- Deployments, and whether each is what its target has now.
CREATE VIEW deployments AS
SELECT
    d.id,
    d.pipeline_id,
    d.target,
    d.phase,
    c.deployment_id IS NOT NULL AS current,
    d.json ->> '$.experiment_id' AS experiment_id,
    d.json ->> '$.reason' AS reason,
    d.json ->> '$.deployed_by' AS deployed_by,
    TRY_CAST(d.json ->> '$.created_at' AS TIMESTAMPTZ) AS created_at
FROM deployment d
LEFT JOIN deployment_current c ON c.target = d.target AND c.deployment_id = d.id;

-- Events with their payload as JSON.
CREATE VIEW events AS
SELECT sequence, time, type, source, subject, json -> '$.data' AS data, metadata, id
FROM event;
