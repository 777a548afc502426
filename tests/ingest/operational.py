"""Operational databases to pull from: a toy system, and two of the five with the tables they have in operation."""

from dataclasses import dataclass
from pathlib import Path
from typing import Any

import polars as pl
import psycopg

from ingest.contract import System, Table, read_contract
from ingest.pull import Pull, pull

TOY_CONTRACT = """
apiVersion: v3.1.0
kind: DataContract
id: tally.toy
name: toy
version: 1.0.0
status: active
schema:
  - name: entries
    customProperties: [{property: loadMode, value: append}]
    properties:
      - {name: id, logicalType: integer, physicalType: bigint, required: true, primaryKey: true, primaryKeyPosition: 1}
      - {name: at, logicalType: timestamp, physicalType: timestamptz}
      - {name: note, logicalType: string, physicalType: text}
  - name: accounts
    customProperties: [{property: loadMode, value: upsert}]
    properties:
      - {name: id, logicalType: integer, physicalType: bigint, required: true, primaryKey: true, primaryKeyPosition: 1}
      - {name: balance, logicalType: number, physicalType: numeric}
      - {name: secret, logicalType: string, physicalType: text, classification: restricted}
  - name: rates
    customProperties: [{property: loadMode, value: replace}]
    properties:
      - {name: key, logicalType: string, physicalType: text, required: true, primaryKey: true, primaryKeyPosition: 1}
      - {name: value, logicalType: string, physicalType: text}
  - name: vault
    customProperties: [{property: private, value: true}]
    properties:
      - {name: id, logicalType: integer, physicalType: bigint, required: true, primaryKey: true, primaryKeyPosition: 1}
"""

TOY = """
    create table entries (id bigint primary key, at timestamptz, note text);
    create table accounts (id bigint primary key, balance numeric, secret text);
    create table rates (key text primary key, value text);
    create table vault (id bigint primary key);
"""

FUNPOT = """
    create table users (id uuid primary key, tg_user_id bigint unique, nickname text, language text, roles text[],
        created_at timestamptz);
    create table referrals (user_id uuid primary key references users, code text unique,
        inviter_user_id uuid references users, percent numeric(5,2), created_at timestamptz);
    create table wallet_accounts (user_id uuid primary key references users, balance_int bigint,
        updated_at timestamptz);
    create table wallet_ledger (id uuid primary key, user_id uuid references users,
        type text check (type in ('credit', 'debit')), amount_int bigint check (amount_int > 0),
        currency text default 'INT', reason text, ref_id text, idempotency_key text, created_at timestamptz);
    create table payments (id uuid primary key, user_id uuid references users, provider text, invoice_id text unique,
        amount_int bigint, status text, payload jsonb, created_at timestamptz, updated_at timestamptz);
    create table streamers (id uuid primary key, platform text, username text unique, display_name text, online boolean,
        viewers int, status text, added_by uuid references users, created_at timestamptz, updated_at timestamptz);
    create table games (id uuid primary key, streamer_id uuid references streamers, title text, rules_json jsonb,
        status text, start_at timestamptz, end_at timestamptz);
    create table media_clips (id uuid primary key, streamer_id uuid references streamers, url text, thumbnail_url text,
        started_at timestamptz, duration_sec int, source text default 'bunny', created_at timestamptz);
    create table events (id uuid primary key, streamer_id uuid references streamers, game_id uuid references games,
        title text, options_json jsonb, state text, closes_at timestamptz, totals_json jsonb, result_json jsonb,
        source_clip_id uuid references media_clips, prompt_versions_json jsonb, confidence numeric(4,2),
        created_at timestamptz, updated_at timestamptz);
    create table votes (id uuid primary key, event_id uuid references events, user_id uuid references users,
        option_id text, cost_int bigint, idempotency_key text, created_at timestamptz, unique (user_id, event_id));
    create table prompts (id uuid primary key, scope text, streamer_id uuid references streamers,
        game_id uuid references games, version text, body_text text, schema_version text, status text,
        created_by uuid references users, created_at timestamptz);
    create table config (key text primary key, value_json jsonb, updated_at timestamptz);
    create table idempotency (id uuid primary key, key text unique, first_seen_at timestamptz,
        last_seen_at timestamptz, response_cache_json jsonb);
"""

# Segments and jobs are partitioned by month, as in operation; users, scene_views and oauth_accounts hold what may
# never be read.
STORYFORGE = """
    create table users (id uuid primary key, email varchar(255) not null unique default gen_random_uuid() || '@a.org',
        password_hash varchar(255) default 's3cret', username varchar(50) not null unique, display_name varchar(100),
        avatar_url varchar(500), bio text, role varchar(20) not null, email_verified boolean not null,
        is_active boolean not null, created_at timestamptz not null, updated_at timestamptz not null,
        last_login_at timestamptz);
    create table oauth_accounts (id uuid primary key, user_id uuid not null references users, access_token text);
    create table topics (id uuid primary key, name varchar(100) not null, slug varchar(100) not null unique,
        description text, icon_url varchar(500), is_curated boolean not null, is_active boolean not null,
        display_order integer not null, scene_count integer not null, created_at timestamptz not null,
        updated_at timestamptz not null);
    create table user_topics (id uuid primary key, user_id uuid not null references users, name varchar(100) not null,
        description text, status varchar(20) not null, reviewed_by uuid references users, reviewed_at timestamptz,
        rejection_reason text, promoted_to_topic_id uuid references topics, created_at timestamptz not null);
    create table categories (id uuid primary key, topic_id uuid not null references topics, name varchar(100) not null,
        slug varchar(100) not null, description text, display_order integer not null, is_active boolean not null,
        created_at timestamptz not null);
    create table ideas (id uuid primary key, user_id uuid not null references users,
        topic_id uuid not null references topics, category_id uuid references categories, title varchar(200) not null,
        prompt text not null, tags text[], status varchar(20) not null, moderation_status varchar(20) not null,
        scene_count integer not null, like_count integer not null, view_count integer not null,
        created_at timestamptz not null, updated_at timestamptz not null);
    create table scenes (id uuid primary key, idea_id uuid not null references ideas,
        user_id uuid not null references users, topic_id uuid not null references topics, title varchar(200) not null,
        description text, status varchar(20) not null, segment_count integer not null, total_duration integer not null,
        contributor_count integer not null, view_count integer not null, like_count integer not null,
        thumbnail_url varchar(500), bible_version integer not null, created_at timestamptz not null,
        updated_at timestamptz not null, last_segment_at timestamptz);
    create table segments (id uuid not null, scene_id uuid not null, user_id uuid not null, job_id uuid not null,
        sequence integer not null, input_text text not null, expanded_script text not null,
        video_url varchar(500) not null, hls_playlist_url varchar(500), thumbnail_url varchar(500),
        duration integer not null, resolution varchar(20), file_size bigint, bible_version integer not null,
        status varchar(20) not null, created_at timestamptz not null, primary key (id, created_at)
    ) partition by range (created_at);
    create table segments_2026_05 partition of segments for values from (minvalue) to ('2026-06-01');
    create table segments_2026_06 partition of segments for values from ('2026-06-01') to ('2026-07-01');
    create table jobs (id uuid not null, scene_id uuid not null, user_id uuid not null, type varchar(50) not null,
        status varchar(30) not null, stage varchar(30) not null, progress integer not null, message text,
        input_text text not null, bible_version integer not null, context_data jsonb, result_data jsonb,
        error_code varchar(50), error_message text, retry_count integer not null, max_retries integer not null,
        created_at timestamptz not null, started_at timestamptz, completed_at timestamptz,
        idempotency_key varchar(100), primary key (id, created_at)
    ) partition by range (created_at);
    create table jobs_2026_05 partition of jobs for values from (minvalue) to ('2026-06-01');
    create table jobs_2026_06 partition of jobs for values from ('2026-06-01') to (maxvalue);
    create table scene_bibles (id uuid primary key, scene_id uuid not null references scenes, version integer not null,
        data jsonb not null, created_at timestamptz not null, created_by_segment_id uuid);
    create table scene_summaries (id uuid primary key, scene_id uuid not null references scenes, summary text not null,
        segments_covered integer[] not null, created_at timestamptz not null, updated_at timestamptz not null);
    create table moderation_flags (id uuid primary key, target_type varchar(20) not null, target_id uuid not null,
        reporter_id uuid references users, reason varchar(50) not null, description text, status varchar(20) not null,
        reviewed_by uuid references users, reviewed_at timestamptz, action_taken varchar(50), notes text,
        created_at timestamptz not null);
    create table scene_views (id uuid primary key, scene_id uuid not null, user_id uuid,
        ip_hash varchar(64) default 'h4sh', created_at timestamptz not null);
    create table likes (id uuid primary key, user_id uuid not null references users, target_type varchar(20) not null,
        target_id uuid not null, created_at timestamptz not null);
"""


def toy_system(folder: Path) -> System:
    """The toy system: `entries` (append), `accounts` (upsert, one restricted column), `rates` (replace), a vault."""
    path = folder / "toy.odcs.yaml"
    path.write_text(TOY_CONTRACT, encoding="utf-8")
    return read_contract(path)


@dataclass
class Operation:
    """A live database of one system and the landing zone it is pulled into."""

    system: System
    conninfo: str
    landing: Path
    connection: psycopg.Connection

    def run(self, statements: str) -> None:
        """Run statements that commit at once."""
        for statement in statements.split(";\n"):
            self.connection.execute(statement.encode())

    def fetch(self, query: str) -> list[tuple[Any, ...]]:
        return self.connection.execute(query.encode()).fetchall()

    def writer(self) -> psycopg.Connection:
        """A further connection, whose work commits when it says so; close it."""
        return psycopg.connect(self.conninfo)

    def pull(self) -> Pull:
        return pull(self.conninfo, self.system, self.landing)

    def rows_pulled(self) -> dict[str, int]:
        """Pull, and say how many rows each table gave."""
        return {table.table: table.rows for table in self.pull().tables if table.files}

    def files(self, table: str) -> list[Path]:
        """The delivered files of a table, in loading order."""
        return sorted((self.landing / self.system.name / table).glob("date=*/*"))

    def delivered(self, table: str) -> list[dict[str, Any]]:
        """The rows of all deliveries, in loading order."""
        return [row for path in self.files(table) for row in pl.read_parquet(path).to_dicts()]

    def table(self, name: str) -> Table:
        return next(table for table in self.system.tables if table.name == name)


def content(connection: psycopg.Connection, schema: str, table: Table) -> list[tuple[str | None, ...]]:
    """All rows as text, in a fixed order, without what never leaves the source."""
    columns = ", ".join(f'"{column.name}"::text' for column in table.columns)
    return sorted(connection.execute(f'select {columns} from {schema}."{table.name}"'.encode()).fetchall(), key=repr)
