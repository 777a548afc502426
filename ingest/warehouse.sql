-- The warehouse's own tables: what was loaded, what was refused, what the gates said, and who may read.
-- Run whole at the first start, and again whenever this file has changed; every statement leaves what is there alone.

create schema if not exists ingest;
create schema if not exists audit;
create schema if not exists marts;

create table if not exists ingest.loads (
    load_id bigint generated always as identity primary key,
    system text not null,
    table_name text not null,
    delivered_on date not null,
    path text not null,
    content_hash text not null,
    size_bytes bigint not null,
    status text not null check (status in ('loaded', 'failed')),
    reason text check ((reason is not null) = (status = 'failed')),
    rows_read bigint not null default 0,
    rows_accepted bigint not null default 0,
    rows_duplicate bigint not null default 0,
    rows_conflict bigint not null default 0,
    rows_rejected bigint not null default 0,
    started_at timestamptz not null default clock_timestamp(),
    loaded_at timestamptz not null default clock_timestamp(),
    constraint rows_are_conserved
    check (rows_read = rows_accepted + rows_duplicate + rows_conflict + rows_rejected)
);
create unique index if not exists loads_one_per_delivery
on ingest.loads (system, table_name, content_hash, delivered_on, path) where status = 'loaded';
drop index if exists ingest.loads_one_per_content;
create unique index if not exists loads_one_failure_per_path
on ingest.loads (system, table_name, path) where status = 'failed';
comment on table ingest.loads is 'One row per landing file: what became of each of its rows.';
comment on column ingest.loads.content_hash is 'SHA-256 of the file as delivered; known content is skipped.';
alter table ingest.loads add column if not exists header bytea;
alter table ingest.loads add column if not exists replayed_at timestamptz;
comment on column ingest.loads.header is
'The header of a CSV file, kept as long as rows of it are in quarantine: they cannot be read without it.';
comment on column ingest.loads.replayed_at is
'When refused rows of this load were last replayed; those that fitted then carry this load, whatever was loaded since.';

create table if not exists ingest.landing_files (
    landing text not null,
    path text not null,
    system text not null,
    table_name text not null,
    delivered_on date not null,
    size_bytes bigint not null,
    version text,
    content_hash text,
    primary key (landing, path)
);
comment on table ingest.landing_files is
'What listings of the landing zone found, so that a known file is not read again and a known folder not listed again.';
comment on column ingest.landing_files.version is
'Tells these bytes from later ones under the same path: a local file''s change time, an object''s ETag.';
comment on column ingest.landing_files.content_hash is
'The hash of that version; null until the file is loaded. Whether it was loaded is for ingest.loads alone to say.';

create table if not exists ingest.quarantine (
    quarantine_id bigint generated always as identity primary key,
    load_id bigint not null references ingest.loads,
    system text not null,
    table_name text not null,
    path text not null,
    line bigint not null,
    outcome text not null check (outcome in ('conflict', 'rejected')),
    rule text not null,
    reason text not null,
    raw bytea,
    quarantined_at timestamptz not null default clock_timestamp()
);
create index if not exists quarantine_by_table on ingest.quarantine (system, table_name, load_id);
comment on table ingest.quarantine is 'Every refused row, as delivered, with file, line and the rule it broke.';
comment on column ingest.quarantine.raw is
'The bytes as delivered; null where restricted columns could not be cut out of them. A row of parquet is JSON.';
alter table ingest.quarantine add column if not exists standing_line bigint;
comment on column ingest.quarantine.standing_line is
'Of tables whose rows change: the line of the same file whose row stands under the same key, if there is one.';

create table if not exists audit.gate_results (
    gate_result_id bigint generated always as identity primary key,
    gate_run_id uuid not null,
    system text not null,
    rule_id text not null,
    title text not null,
    severity text not null check (severity in ('critical', 'error', 'warn')),
    status text not null check (status in ('passed', 'failed', 'error', 'not_applicable')),
    breaking_rows bigint,
    amount numeric,
    unit text,
    samples jsonb,
    message text,
    checked_at timestamptz not null default clock_timestamp()
);
create index if not exists gate_results_by_rule on audit.gate_results (system, rule_id, gate_result_id);
comment on table audit.gate_results is 'Every verdict of every rule, kept as history.';

alter table audit.gate_results add column if not exists rows_evaluated bigint;
alter table audit.gate_results add column if not exists months text [];
alter table audit.gate_results add column if not exists waived_rows bigint;
alter table audit.gate_results add column if not exists rule_digest text;
alter table audit.gate_results add column if not exists asked_of_new_rows boolean;
alter table audit.gate_results add column if not exists seconds numeric;
alter table audit.gate_results drop constraint if exists gate_results_status_check;
alter table audit.gate_results add constraint gate_results_status_check
check (status in ('passed', 'waived', 'failed', 'error', 'not_applicable'));
comment on column audit.gate_results.breaking_rows is 'Subjects that break the rule and are not waived.';
comment on column audit.gate_results.rows_evaluated is 'Rows of the table that the rule speaks about, as it was asked.';
comment on column audit.gate_results.rule_digest is 'Tells one wording of a rule from the next.';

create or replace view audit.gate_state as
select distinct on (system, rule_id) *
from audit.gate_results
order by system, rule_id, gate_result_id desc;
comment on view audit.gate_state is 'The latest verdict of each rule.';

create table if not exists audit.gate_runs (
    gate_run_id uuid,
    system text,
    asked_at timestamptz not null default clock_timestamp(),
    primary key (gate_run_id, system)
);
create index if not exists gate_runs_by_system on audit.gate_runs (system, asked_at);
comment on table audit.gate_runs is 'One row for each time that all rules of a system were asked.';

create table if not exists audit.judged_loads (
    load_id bigint primary key,
    replayed_at timestamptz,
    gate_run_id uuid not null
);
comment on table audit.judged_loads is
'The loads whose rows were there when all rules of their system were asked. Marts never build on others.';

create or replace view audit.held_systems as
with latest as (
    select distinct on (system) system, gate_run_id
    from audit.gate_runs
    order by system asc, asked_at desc
),

-- A rule that is asked no more holds nothing back.
broken as (
    select state.system, state.rule_id
    from audit.gate_state as state
    where
        state.severity = 'critical'
        and state.status in ('failed', 'error')
        and (
            not exists (select from latest where latest.system = state.system)
            or exists (
                select from latest
                inner join audit.gate_results as asked
                    on latest.gate_run_id = asked.gate_run_id and latest.system = asked.system
                where latest.system = state.system and asked.rule_id = state.rule_id
            )
        )
),

without_verdict as (
    select loads.system, count(*) as loads
    from ingest.loads
    left join audit.judged_loads as judged on loads.load_id = judged.load_id
    where
        loads.status = 'loaded'
        and (judged.load_id is null or judged.replayed_at is distinct from loads.replayed_at)
    group by loads.system
)

select
    system,
    array_remove(array_agg(broken.rule_id order by broken.rule_id), null) as rules,
    max(coalesce(without_verdict.loads, 0)) as loads_without_verdict
from broken
full join without_verdict using (system)
group by system;
comment on view audit.held_systems is
'Systems whose marts keep their last good state: the rules that hold them, and the loads that no gate has seen.';

create table if not exists audit.built_loads (
    load_id bigint primary key,
    replayed_at timestamptz,
    built_at timestamptz not null default now()
);
comment on table audit.built_loads is 'The loads whose rows the marts hold; published in the same transaction as they.';

create table if not exists audit.built_systems (
    system text primary key,
    fingerprint text not null,
    built_at timestamptz not null default now()
);
comment on table audit.built_systems is
'The state of each system''s models and of the tables they do not follow row by row when its marts were last built.';

create table if not exists audit.build_proofs (
    build_proof_id bigint generated always as identity primary key,
    system text not null,
    mart text not null,
    rows_missing bigint not null,
    rows_surplus bigint not null,
    proved_at timestamptz not null default now()
);
comment on table audit.build_proofs is
'What a whole build of a system would add to each mart as published, and take away: nothing, if builds by what loads touch are right.';

create table if not exists audit.seals (
    seal integer primary key,
    digest text not null,
    sealed_at timestamptz not null
);
comment on table audit.seals is
'Which lines of the seal file belong to this database. The file, which lies outside it, decides what was sealed.';

create table if not exists audit.seal_trees (
    seal integer not null references audit.seals,
    system text not null,
    table_name text not null,
    month date,
    rows bigint not null,
    root text not null,
    upto_load bigint not null
);
comment on table audit.seal_trees is
'The trees of each seal as its line of the file has them: rows of loads up to `upto_load`, in one month of a table.';

create table if not exists audit.archived_partitions (
    system text not null,
    table_name text not null,
    month date not null,
    seal integer not null references audit.seals,
    primary key (system, table_name, month)
);
comment on table audit.archived_partitions is
'Months that were said to be archived when they were taken out of their table; nobody misses their sealed rows.';

create or replace function ingest.refuse_change() returns trigger language plpgsql as $$
begin
    raise exception '%.% is immutable: correct it with new rows, never by % of old ones',
        tg_table_schema, tg_table_name, lower(tg_op);
end
$$;

do $$
begin
    if not exists (select from pg_roles where rolname = 'tally_analyst') then
        create role tally_analyst nologin;
    end if;
    -- Whoever creates a role, and is no superuser, may grant it but not become it.
    if not pg_has_role(current_user, 'tally_analyst', 'set') then
        execute format('grant tally_analyst to %I', current_user);
    end if;
end
$$;
grant usage on schema marts, audit to tally_analyst;
grant select on all tables in schema audit to tally_analyst;
alter default privileges in schema marts grant select on tables to tally_analyst;
