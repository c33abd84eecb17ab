-- Version 1. One file holds any number of namespaces ("spaces"). Times are epoch seconds by the machine's clock.

CREATE TABLE spaces (
  id INTEGER PRIMARY KEY,
  name TEXT NOT NULL UNIQUE,
  lease REAL NOT NULL
) STRICT;

-- One row: the last number given to a place, a fence, a dead letter or an entry. What is numbered later comes later.
CREATE TABLE numbers (last INTEGER NOT NULL) STRICT;
INSERT INTO numbers VALUES (0);

-- Figures are kept here, in the same transactions as what they count, so that reading them costs the same at any size.
CREATE TABLE queues (
  id INTEGER PRIMARY KEY,
  space INTEGER NOT NULL,
  name TEXT NOT NULL,
  pause BLOB,
  ready INTEGER NOT NULL DEFAULT 0,
  inflight INTEGER NOT NULL DEFAULT 0,
  delayed INTEGER NOT NULL DEFAULT 0,
  dead INTEGER NOT NULL DEFAULT 0,
  published INTEGER NOT NULL DEFAULT 0,
  succeeded INTEGER NOT NULL DEFAULT 0,
  failed INTEGER NOT NULL DEFAULT 0,
  cancelled INTEGER NOT NULL DEFAULT 0,
  retried INTEGER NOT NULL DEFAULT 0,
  UNIQUE (space, name)
) STRICT;

-- A job that has not ended. Where it stands is told by the one of the next three tables that has its place. Its row is
-- not written while it is handed out and finished, however long its body: deliveries do not count the current one.
CREATE TABLE jobs (
  place INTEGER PRIMARY KEY,
  space INTEGER NOT NULL,
  id TEXT NOT NULL,
  queue INTEGER NOT NULL,
  priority INTEGER NOT NULL,
  since REAL NOT NULL, -- when it became ready at this place
  due REAL,            -- when it will be, if it is delayed
  attempt INTEGER NOT NULL DEFAULT 0,
  deliveries INTEGER NOT NULL DEFAULT 0,
  returns INTEGER NOT NULL DEFAULT 0,
  crashes INTEGER NOT NULL DEFAULT 0,
  crashed TEXT NOT NULL DEFAULT '', -- owners, separated by |
  body BLOB NOT NULL,
  UNIQUE (space, id)
) STRICT;

-- In the order of running. A lane is 9 - priority. What comes back has its old place, and so is before what is newer.
CREATE TABLE ready (
  queue INTEGER NOT NULL,
  lane INTEGER NOT NULL,
  place INTEGER NOT NULL,
  PRIMARY KEY (queue, lane, place)
) STRICT, WITHOUT ROWID;

CREATE TABLE delayed (
  queue INTEGER NOT NULL,
  due REAL NOT NULL,
  place INTEGER NOT NULL,
  PRIMARY KEY (queue, due, place)
) STRICT, WITHOUT ROWID;

CREATE TABLE held (
  place INTEGER PRIMARY KEY,
  queue INTEGER NOT NULL,
  owner TEXT NOT NULL,
  fence INTEGER NOT NULL, -- differs for each delivery of a place
  expires REAL NOT NULL,
  started INTEGER NOT NULL DEFAULT 0 -- 1: known to have begun; -1: its owner held others when one was taken back
) STRICT;
CREATE INDEX held_by_expiry ON held (queue, expires);

-- Numbered by the microsecond in which they were kept, or the next free one after the last.
CREATE TABLE results (
  number INTEGER PRIMARY KEY,
  space INTEGER NOT NULL,
  id TEXT NOT NULL,
  queue INTEGER NOT NULL,
  expires REAL NOT NULL,
  deliveries INTEGER NOT NULL,
  record BLOB NOT NULL,
  UNIQUE (space, id)
) STRICT;
CREATE INDEX results_by_queue ON results (queue);
CREATE INDEX results_by_expiry ON results (expires);

CREATE TABLE dead (
  number INTEGER PRIMARY KEY,
  queue INTEGER NOT NULL,
  id TEXT NOT NULL,
  priority INTEGER NOT NULL,
  attempt INTEGER NOT NULL,
  deliveries INTEGER NOT NULL,
  died_at REAL NOT NULL,
  reason TEXT NOT NULL,
  error TEXT NOT NULL,
  body BLOB NOT NULL,
  UNIQUE (queue, id)
) STRICT;
CREATE INDEX dead_by_queue ON dead (queue);

CREATE TABLE revocations (
  space INTEGER NOT NULL,
  id TEXT NOT NULL,
  until REAL NOT NULL,
  body BLOB NOT NULL,
  PRIMARY KEY (space, id)
) STRICT, WITHOUT ROWID;

CREATE TABLE topics (
  id INTEGER PRIMARY KEY,
  space INTEGER NOT NULL,
  name TEXT NOT NULL,
  entries INTEGER NOT NULL DEFAULT 0,
  expires REAL,
  UNIQUE (space, name)
) STRICT;

CREATE TABLE entries (
  number INTEGER PRIMARY KEY,
  topic INTEGER NOT NULL,
  body BLOB NOT NULL
) STRICT;
CREATE INDEX entries_by_topic ON entries (topic);

CREATE TABLE presences (
  space INTEGER NOT NULL,
  worker TEXT NOT NULL,
  seen REAL NOT NULL,
  expires REAL NOT NULL,
  body BLOB NOT NULL,
  PRIMARY KEY (space, worker)
) STRICT, WITHOUT ROWID;

CREATE TABLE locks (
  space INTEGER NOT NULL,
  name TEXT NOT NULL,
  owner TEXT NOT NULL,
  expires REAL NOT NULL,
  PRIMARY KEY (space, name)
) STRICT, WITHOUT ROWID;
CREATE INDEX locks_by_expiry ON locks (expires);

CREATE TABLE buckets (
  space INTEGER NOT NULL,
  name TEXT NOT NULL,
  tokens REAL NOT NULL, -- at that moment:
  since REAL NOT NULL,
  expires REAL NOT NULL, -- the last turn in the line, and the time that an empty bucket takes to be full
  PRIMARY KEY (space, name)
) STRICT, WITHOUT ROWID;
CREATE INDEX buckets_by_expiry ON buckets (expires);

-- Groups; "group" is a word of SQL.
CREATE TABLE collections (
  id INTEGER PRIMARY KEY,
  space INTEGER NOT NULL,
  name TEXT NOT NULL,
  total INTEGER NOT NULL,
  expires REAL NOT NULL,
  UNIQUE (space, name)
) STRICT;
CREATE INDEX collections_by_expiry ON collections (expires);

CREATE TABLE members (
  collection INTEGER NOT NULL,
  member INTEGER NOT NULL,
  body BLOB NOT NULL,
  PRIMARY KEY (collection, member)
) STRICT, WITHOUT ROWID;
CREATE TRIGGER members_go_with_their_group AFTER DELETE ON collections BEGIN
  DELETE FROM members WHERE collection = old.id;
END;

CREATE TABLE documents (
  space INTEGER NOT NULL,
  kind TEXT NOT NULL,
  key TEXT NOT NULL,
  version INTEGER NOT NULL,
  body BLOB NOT NULL,
  PRIMARY KEY (space, kind, key)
) STRICT, WITHOUT ROWID;
