-- Version 2. Times are seconds since the epoch by the server's clock; `place` orders jobs and fences their owners: a job
-- gets a new one whenever it is made ready, retried or taken back.

CREATE FUNCTION epoch() RETURNS float8 LANGUAGE sql VOLATILE AS 'SELECT extract(epoch FROM clock_timestamp())::float8';

CREATE TYPE state AS ENUM ('ready', 'inflight', 'delayed');
CREATE SEQUENCE places;

CREATE TABLE namespaces (
  id int GENERATED ALWAYS AS IDENTITY PRIMARY KEY,
  name text COLLATE "C" NOT NULL UNIQUE,
  lease float8 NOT NULL
);

-- levels: bit p is set once priority p was used. pause: JSON, as it was given.
CREATE TABLE queues (
  id int GENERATED ALWAYS AS IDENTITY PRIMARY KEY,
  namespace int NOT NULL,
  name text COLLATE "C" NOT NULL,
  levels int NOT NULL DEFAULT 0,
  pause text,
  paused_until float8,
  UNIQUE (namespace, name)
) WITH (fillfactor = 50);

-- rank: (9 - priority) * 2, and one more unless the job came back. shared: its owner held others too when one of them was
-- taken back. A row changes its state at most a few times and then goes, so that most of the table is always new or dead:
-- it is vacuumed early, and at full speed.
CREATE TABLE jobs (
  place bigint NOT NULL DEFAULT nextval('places'),
  since float8 NOT NULL DEFAULT epoch(),
  due float8,
  expires float8,
  namespace int NOT NULL,
  queue int NOT NULL,
  attempt int NOT NULL DEFAULT 0,
  deliveries int NOT NULL DEFAULT 0,
  returns int NOT NULL DEFAULT 0,
  crashes int NOT NULL DEFAULT 0,
  state state NOT NULL,
  rank smallint NOT NULL,
  started boolean NOT NULL DEFAULT false,
  shared boolean NOT NULL DEFAULT false,
  id text COLLATE "C" NOT NULL,
  owner text COLLATE "C",
  crashed text[],
  body bytea NOT NULL,
  PRIMARY KEY (namespace, id)
) WITH (
  fillfactor = 90, autovacuum_vacuum_scale_factor = 0.01, autovacuum_analyze_scale_factor = 0.1,
  autovacuum_vacuum_cost_delay = 0
);
CREATE INDEX jobs_ready ON jobs (queue, rank, place) WHERE state = 'ready';
CREATE INDEX jobs_inflight ON jobs (queue, expires) WHERE state = 'inflight';
CREATE INDEX jobs_delayed ON jobs (queue, due) WHERE state = 'delayed';

-- A queue's figures are the sums over its rows. Each connection writes to one of them, so that they do not wait for each
-- other. Ready is what was published and is neither ended, in flight nor delayed.
CREATE TABLE counters (
  queue int NOT NULL,
  shard int NOT NULL DEFAULT pg_backend_pid() & 15,
  inflight bigint NOT NULL DEFAULT 0,
  delayed bigint NOT NULL DEFAULT 0,
  dead bigint NOT NULL DEFAULT 0,
  published bigint NOT NULL DEFAULT 0,
  succeeded bigint NOT NULL DEFAULT 0,
  failed bigint NOT NULL DEFAULT 0,
  cancelled bigint NOT NULL DEFAULT 0,
  retried bigint NOT NULL DEFAULT 0,
  PRIMARY KEY (queue, shard)
) WITH (fillfactor = 30, autovacuum_vacuum_scale_factor = 0, autovacuum_vacuum_threshold = 1000);

-- Publishing calls of the last minutes, so that one that is sent again adds nothing.
CREATE TABLE markers (
  marker uuid PRIMARY KEY,
  made float8 NOT NULL DEFAULT epoch()
) WITH (autovacuum_vacuum_scale_factor = 0.01);
CREATE INDEX markers_made ON markers (made);

CREATE TABLE records (
  kept_at float8 NOT NULL DEFAULT epoch(),
  expires float8 NOT NULL,
  namespace int NOT NULL,
  queue int NOT NULL,
  deliveries int NOT NULL,
  id text COLLATE "C" NOT NULL,
  body bytea NOT NULL,
  PRIMARY KEY (namespace, id)
) WITH (autovacuum_vacuum_scale_factor = 0.02);
CREATE INDEX records_kept ON records (queue, kept_at);
CREATE INDEX records_expires ON records (expires);

CREATE TABLE letters (
  number bigint NOT NULL DEFAULT nextval('places'),
  died_at float8 NOT NULL DEFAULT epoch(),
  queue int NOT NULL,
  attempt int NOT NULL,
  deliveries int NOT NULL,
  rank smallint NOT NULL,
  id text COLLATE "C" NOT NULL,
  reason text NOT NULL,
  error text NOT NULL,
  body bytea NOT NULL,
  PRIMARY KEY (queue, id)
);
CREATE UNIQUE INDEX letters_number ON letters (queue, number);

CREATE TABLE revocations (
  namespace int NOT NULL,
  id text COLLATE "C" NOT NULL,
  until float8 NOT NULL,
  body text NOT NULL,
  PRIMARY KEY (namespace, id)
);

-- Entries are numbered under the lock of their topic's row, so that they become visible in the order of their numbers.
CREATE TABLE topics (
  id int GENERATED ALWAYS AS IDENTITY PRIMARY KEY,
  namespace int NOT NULL,
  name text COLLATE "C" NOT NULL,
  first bigint NOT NULL,
  last bigint NOT NULL,
  expires float8,
  UNIQUE (namespace, name)
) WITH (fillfactor = 30, autovacuum_vacuum_scale_factor = 0, autovacuum_vacuum_threshold = 1000);

CREATE TABLE entries (
  topic int NOT NULL,
  number bigint NOT NULL,
  body bytea NOT NULL,
  PRIMARY KEY (topic, number)
) WITH (autovacuum_vacuum_scale_factor = 0.02, autovacuum_vacuum_insert_scale_factor = 0.5);

CREATE TABLE workers (
  namespace int NOT NULL,
  name text COLLATE "C" NOT NULL,
  seen float8 NOT NULL,
  expires float8 NOT NULL,
  body bytea NOT NULL,
  PRIMARY KEY (namespace, name)
) WITH (fillfactor = 50, autovacuum_vacuum_scale_factor = 0, autovacuum_vacuum_threshold = 1000);



CREATE TABLE locks (
  namespace int NOT NULL,
  name text COLLATE "C" NOT NULL,
  owner text COLLATE "C" NOT NULL,
  expires float8 NOT NULL,
  PRIMARY KEY (namespace, name)
) WITH (fillfactor = 70);
CREATE INDEX locks_expires ON locks (expires);

-- tokens: how many there were at `since`. wait: what the last one who asked was told. expires: the last turn in the line,
-- and the time that an empty bucket takes to be full.
CREATE TABLE buckets (
  namespace int NOT NULL,
  name text COLLATE "C" NOT NULL,
  tokens float8 NOT NULL,
  since float8 NOT NULL,
  wait float8 NOT NULL,
  expires float8 NOT NULL,
  PRIMARY KEY (namespace, name)
) WITH (fillfactor = 30, autovacuum_vacuum_scale_factor = 0, autovacuum_vacuum_threshold = 1000);

-- Groups; "group" is a word of SQL.
CREATE TABLE collections (
  id bigint GENERATED ALWAYS AS IDENTITY PRIMARY KEY,
  namespace int NOT NULL,
  name text COLLATE "C" NOT NULL,
  total int NOT NULL,
  missing int NOT NULL,
  expires float8 NOT NULL,
  UNIQUE (namespace, name)
) WITH (fillfactor = 50);
CREATE INDEX collections_expires ON collections (expires);

CREATE TABLE members (
  collection bigint NOT NULL REFERENCES collections ON DELETE CASCADE,
  member int NOT NULL,
  body bytea NOT NULL,
  PRIMARY KEY (collection, member)
);

CREATE TABLE documents (
  namespace int NOT NULL,
  kind text COLLATE "C" NOT NULL,
  key text COLLATE "C" NOT NULL,
  version bigint NOT NULL,
  body bytea NOT NULL,
  PRIMARY KEY (namespace, kind, key)
);

CREATE TABLE version (number int NOT NULL);
INSERT INTO version VALUES (2);
