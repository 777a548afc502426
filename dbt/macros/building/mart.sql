{# How a mart is built: as what changes, beside what is published. `publish` makes the change in one transaction.

   building.<mart>__new    rows to add
   building.<mart>__gone   rows to take away, as they stand
   building.<mart>__whole  instead of both, a table made anew
   building.<mart>         the mart as it will be: what `ref` means while a build goes on

   The model's SQL gives the rows of its scope, whole and as they should be: all rows, or those of `meta.scope`:
     candidates                   the published rows under the keys that the SQL gives, and those of whole systems
     {columns: […], keys: model}  those whose columns are among the keys that a model lists (`listed_as`, under other
                                  names), and those of systems that are built whole, be it always: {but_whole:
                                  [system, …]}; where there are no keys, no row but theirs can go
   `meta.present` is a condition on `candidates`: rows that do not meet it are known to be gone.
   `meta.archived_by` names a mart's instant: rows of months that were archived stay as they are published, for the raw
   rows that they came from are no longer there. #}

{% materialization mart, adapter="postgres" %}
    {%- set name = this.identifier -%}
    {%- set key = primary_key(model) -%}
    {%- set is_whole = _is_made_anew(key) -%}
    {{ run_hooks(pre_hooks) }}
    {% call statement("main") %}
        {{ get_assert_columns_equivalent(sql) }}
        drop table if exists
            building.{{ name }}__whole, building.{{ name }}__candidates, building.{{ name }}__new, building.{{ name }}__gone
            cascade;
        {{ _build_whole(name, sql) if is_whole else _build_change(name, key, sql) }}
    {% endcall %}
    {% set made = name ~ ("__whole" if is_whole else "__new") %}
    {% if is_whole or full_systems() %}
        {% do run_query(_comments("building." ~ made if is_whole else this)) %}
    {% endif %}
    {% do create_indexes(api.Relation.create(database=this.database, schema="building", identifier=made)) %}
    {% if is_whole %}
        {% do run_query("analyze building." ~ name ~ "__whole") %}
        {% do run_query(replace_view(name, "select * from building." ~ name ~ "__whole")) %}
    {% else %}
        {% do run_query(_show_change(name, key)) %}
    {% endif %}
    {{ run_hooks(post_hooks) }}
    {% do adapter.commit() %}
    {{ return({"relations": [this]}) }}
{% endmaterialization %}

{% macro primary_key(node) %}
    {{ return(node.constraints | selectattr("type", "equalto", "primary_key") | map(attribute="columns") | first) }}
{% endmacro %}

{% macro mart_columns(node, alias=none) %}
    {%- set prefix = alias ~ "." if alias else "" -%}
    {{- prefix ~ (node.columns.values() | map(attribute="name") | join(", " ~ prefix)) -}}
{% endmacro %}

{# True of a mart that is not there yet, or whose columns or key are others now. #}
{% macro _is_made_anew(key) %}
    {% set found = run_query(
        "select attname, format_type(atttypid, atttypmod), exists (select from pg_index where indrelid = attrelid"
        " and indisprimary and attnum = any(indkey)) from pg_attribute inner join pg_class on attrelid = pg_class.oid"
        " where attrelid = to_regclass('" ~ this ~ "') and relkind = 'r' and attnum > 0 and not attisdropped"
        " order by attnum"
    ) %}
    {% set wanted = [] %}
    {% for column in model.columns.values() %}
        {% do wanted.append((column.name, column.data_type, column.name in key)) %}
    {% endfor %}
    {% set is_other = found.rows | map("list") | map("join", " ") | list != wanted | map("join", " ") | list %}
    {% if is_other and adds_to_published() %}
        {# Made anew of what is touched, it would lose all else. #}
        {% do exceptions.raise_compiler_error(
            this.identifier ~ " is published with " ~ found.rows | map("list") | map("join", " ") | join(", ")
            ~ " where its model tells " ~ wanted | map("join", " ") | join(", ")
            ~ ": spell the types as PostgreSQL does, or build with --full-refresh."
        ) %}
    {% endif %}
    {{ return(is_other) }}
{% endmacro %}

{# What the model and its columns mean, where whoever reads the mart looks. A mart that stays has its comments, and other
   ones come with another project, which builds every system whole. #}
{% macro _comments(mart) %}
    comment on table {{ mart }} is {{ postgres_escape_comment(model.description | trim) }};
    {%- for column in model.columns.values() %}
    comment on column {{ mart }}.{{ column.name }} is {{ postgres_escape_comment(column.description | trim) }};
    {%- endfor %}
{% endmacro %}

{# A table with its constraints and indexes, which publishing moves. Held systems keep the rows they have, and archived
   months theirs. #}
{% macro _build_whole(name, sql) %}
    create table building.{{ name }}__whole {{ get_table_columns_and_constraints() }};
    insert into building.{{ name }}__whole ({{ mart_columns(model) }})
    select {{ mart_columns(model) }} from ({{ sql }}) as mart;
    {%- set archived = _is_archived("published") %}
    {%- if (held_systems() or archived != "false") and is_published(name) %}
    {%- set known = adapter.get_columns_in_relation(this) | map(attribute="name") | list -%}
    {%- set columns = model.columns.values() | map(attribute="name") | select("in", known) | join(", ") %}
    insert into building.{{ name }}__whole ({{ columns }}) select {{ columns }} from {{ this }} as published
    where not ({{ is_open("system") }}) or {{ archived }}
    on conflict do nothing
    {%- endif %}
{% endmacro %}

{# Whether a row is of a month of which some partition of its system was archived, as `tally seal --archived` notes. #}
{% macro _is_archived(row) -%}
    {%- set instant = model.config.meta.get("archived_by") -%}
    {%- if instant and asked_once("archived_partitions", "select 1 from audit.archived_partitions limit 1") -%}
        (
            ({{ row }}.system, date_trunc('month', {{ row }}.{{ instant }} at time zone 'UTC')::date)
            in (select system, month from audit.archived_partitions)
        )
    {%- else -%}
        false
    {%- endif -%}
{%- endmacro %}

{% macro _build_change(name, key, sql) %}
    {%- set scope = model.config.meta.get("scope") -%}
    {%- set present = model.config.meta.get("present", "true") -%}
    create unlogged table building.{{ name }}__candidates (like {{ this }});
    insert into building.{{ name }}__candidates ({{ mart_columns(model) }})
    select {{ mart_columns(model) }} from ({{ sql }}) as mart;
    create index on building.{{ name }}__candidates ({{ key | join(", ") }});
    analyze building.{{ name }}__candidates;
    create unlogged table building.{{ name }}__new as
    select candidates.*
    from building.{{ name }}__candidates as candidates
    left join {{ this }} as published on {{ same_key(key, "candidates", "published") }}
    where ({{ present }}) and (published.{{ key[0] }} is null or {{ _rows_differ() }});
    create unlogged table building.{{ name }}__gone as
    select published.*
    from building.{{ name }}__candidates as candidates
    inner join {{ this }} as published on {{ same_key(key, "candidates", "published") }}
    where not ({{ present }}) or {{ _rows_differ() }}
    union all
    select published.*
    from {{ this }} as published
    where
        {{ is_open("published.system") }}
        and not {{ _is_archived("published") }}
        and {{ _published_scope(scope) }}
        and not exists (
            select from building.{{ name }}__candidates as candidates
            where {{ same_key(key, "candidates", "published") }}
        );
    create index on building.{{ name }}__new ({{ key | join(", ") }});
    create index on building.{{ name }}__gone ({{ key | join(", ") }});
    analyze building.{{ name }}__new;
    analyze building.{{ name }}__gone;
    drop table building.{{ name }}__candidates
{% endmacro %}

{# Rows are compared as they are stored: 1.0 and 1.00 are equal numbers and not the same row. What came again as it was
   stays: `loaded_at` tells of the loading alone. #}
{% macro _rows_differ() -%}
    {%- set columns = model.columns.values() | map(attribute="name") | reject("equalto", "loaded_at") | list -%}
    row(candidates.{{ columns | join(", candidates.") }})::record
    *<> row(published.{{ columns | join(", published.") }})::record
{%- endmacro %}

{% macro _published_scope(scope) -%}
    {%- if scope is none -%}
        true
    {%- else -%}
        {%- set keyed = scope if scope is mapping else {} -%}
        {%- set whole = full_systems() + keyed.get("but_whole", []) -%}
        {#- Where no system is whole, the keys stand alone, so that the index of theirs serves. -#}
        (
            {%- if whole or not keyed.get("keys") %}
            published.system in ('{{ (whole or [""]) | join("', '") }}')
            {{- " or" if keyed.get("keys") }}
            {%- endif %}
            {%- if keyed.get("keys") %}
            (published.{{ keyed["columns"] | join(", published.") }})
            in (select {{ keyed.get("listed_as", keyed["columns"]) | join(", ") }} from building.{{ keyed["keys"] }})
            {%- endif %}
        )
    {%- endif -%}
{%- endmacro %}

{% macro same_key(key, left, right) -%}
    {%- for column in key -%}
        {{ left }}.{{ column }} = {{ right }}.{{ column }}{{ " and " if not loop.last }}
    {%- endfor -%}
{%- endmacro %}
