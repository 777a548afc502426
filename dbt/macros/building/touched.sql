{# What a build has to look at again: nothing but what new loads touched, or a whole system. #}

{# The systems that this build makes whole, of those that are not held. #}
{% macro full_systems() %}
    {% if not execute or target.type == "duckdb" or model.resource_type == "unit_test" %}
        {{ return(none) }}
    {% endif %}
    {% set whole = asked_once("whole_systems", "select system from building.systems where is_full order by system") %}
    {{ return(whole | reject("in", held_systems()) | list) }}
{% endmacro %}

{# Whether this build makes the system whole; everywhere but on Postgres, and in unit tests, it does. #}
{% macro is_full(system) %}
    {% set systems = full_systems() %}
    {{ return(systems is none or system in systems) }}
{% endmacro %}

{# Whether there are lists of touched keys to ask: not on DuckDB, nor in a unit test, which knows no relations but those
   that it gives. #}
{% macro keys_are_listed() %}
    {{ return(target.type != "duckdb" and (not execute or model.resource_type != "unit_test")) }}
{% endmacro %}

{# A condition: `column` names one of the keys that `touched_<system>__<family>` lists. True of all in a whole build. #}
{% macro touched(system, family, column, key=none) %}
    {%- if keys_are_listed() -%}
        {%- set keys = ref("touched_" ~ system ~ "__" ~ family) -%}
        {%- if execute and not is_full(system) -%}
            {{ column }} in (select {{ key or column.split(".")[-1] }} from {{ keys }})
        {%- else -%}
            true
        {%- endif -%}
    {%- else -%}
        true
    {%- endif -%}
{% endmacro %}

{# A condition: the row came with a load that the marts do not hold yet. In a whole build
   true of all, but for lists of keys, which nobody asks then. #}
{% macro newly_loaded(system, load_id="_load_id") %}
    {%- if is_full(system) -%}
        {{ model.config.materialized != "keys" }}
    {%- else -%}
        {{ load_id }} = any('{ {{- pending_loads(system) | join(",") -}} }'::bigint[])
    {%- endif -%}
{% endmacro %}

{# The loads of a system that its marts do not hold yet. #}
{% macro pending_loads(system) %}
    {% set query = "select load_id from building.loads where is_pending and system = '" ~ system ~ "'" %}
    {{ return(asked_once("pending_loads_" ~ system, query) | map("int") | list) }}
{% endmacro %}

{# A condition on a system's rows of a mart that derives from marts: its keys are among those that the model `keys`
   lists, or the system is built whole. #}
{% macro in_scope(columns, keys, alias) %}
    {%- if keys_are_listed() -%}
        {%- set listed = ref(keys) -%}
        {%- set systems = full_systems() -%}
        {%- if systems is none -%}
            true
        {%- else -%}
            (
                ({{ alias }}.{{ columns | join(", " ~ alias ~ ".") }}) in (select {{ columns | join(", ") }} from {{ listed }})
                {%- if systems %} or {{ alias }}.system in ('{{ systems | join("', '") }}'){% endif -%}
            )
        {%- endif -%}
    {%- else -%}
        true
    {%- endif -%}
{% endmacro %}

{# A condition: the instant falls on one of the days that the model `keys` lists, or a few beside them, which is for
   `in_scope` to say; as ranges, so that an index on the instant serves. #}
{% macro in_days(instant, keys) %}
    {%- set listed = ref(keys) if keys_are_listed() -%}
    {%- set systems = full_systems() -%}
    {%- if systems is none or systems -%}
        true
    {%- else -%}
        {%- set found = run_query(
            "select min(day), max(day) + 1 from (select day, day - (dense_rank() over (order by day))::integer as island"
            " from " ~ listed ~ ") as days group by island order by 1"
        ).rows -%}
        (
            false
            {%- for first, after in found %}
            or ({{ instant }} >= '{{ first }} 00:00Z' and {{ instant }} < '{{ after }} 00:00Z')
            {%- endfor %}
        )
    {%- endif -%}
{% endmacro %}

{# The rows of a mart that this build added (`times` 1) and took away (-1). Of a system that is built whole all rows
   count as added, or none does. #}
{% macro changes(mart, of_whole_systems=true) %}
    {%- set relation = ref(mart) -%}
    {%- set systems = full_systems() -%}
    {%- if systems is none -%}
        (select *, 1 as times from {{ relation }})
    {%- else -%}
        {%- set node = graph.nodes.values() | selectattr("resource_type", "equalto", "model")
            | selectattr("name", "equalto", mart) | first -%}
        (
            select {{ mart_columns(node) }}, 1 as times from {{ relation }}
            where {{ of_whole_systems }} and system in ('{{ systems | join("', '") }}')
            {%- for part, times in (("new", 1), ("gone", -1)) if not _is_whole(mart) %}
            union all
            select {{ mart_columns(node) }}, {{ times }} as times from building.{{ mart }}__{{ part }}
            where system not in ('{{ systems | join("', '") }}')
            {%- endfor %}
        )
    {%- endif -%}
{% endmacro %}

{% macro _is_whole(mart) %}
    {{ return(run_query("select to_regclass('building." ~ mart ~ "__whole') is not null").columns[0].values()[0]) }}
{% endmacro %}

{# Whether the database holds a mart; dbt's own memory takes those for published that it has only built. #}
{% macro is_published(mart) %}
    {{ return(run_query("select to_regclass('marts." ~ mart ~ "') is not null").columns[0].values()[0]) }}
{% endmacro %}

{# Whether this build adds to what is published: of a mart that is there, for a system that is not built whole. #}
{% macro adds_to_published() %}
    {% if full_systems() is none or not is_published(this.identifier) %}
        {{ return(false) }}
    {% endif %}
    {% set followed = run_query("select system from building.systems where not is_full").columns[0].values() %}
    {{ return(followed | reject("in", held_systems()) | list | length > 0) }}
{% endmacro %}

{# A mart as it is published, for lists of touched keys: no rows while it is not there, and null in columns that it does
   not have yet; everything is built whole then. #}
{% macro published(mart) -%}
    {%- if execute -%}
        {%- set node = graph.nodes.values() | selectattr("resource_type", "equalto", "model")
            | selectattr("name", "equalto", mart) | first -%}
        {%- set found = api.Relation.create(database=target.database, schema="marts", identifier=mart) -%}
        {%- set known = adapter.get_columns_in_relation(found) | map(attribute="name") | list if is_published(mart) else [] -%}
        (
            select
                {%- for column in node.columns.values() %}
                {{ column.name if column.name in known else "null::" ~ column.data_type ~ " as " ~ column.name }}
                {{- "," if not loop.last }}
                {%- endfor %}
            {{ "from marts." ~ mart if is_published(mart) else "where false" }}
        )
    {%- else -%}
        marts.{{ mart }}
    {%- endif -%}
{%- endmacro %}

{# What is published of the mart being built, for the systems that this build does not make whole. #}
{% macro published_before() -%}
    (select * from {{ this }} where system not in ('{{ full_systems() | join("', '") }}'))
{%- endmacro %}

{# Sums over the changes of a mart, by the mart's key, made sums over all of it: those published before are added. #}
{% macro added_up(changed, key, sums) %}
    {%- if adds_to_published() -%}
        select
            changed.{{ key | join(", changed.") }},
            {%- for column in sums %}
            changed.{{ column }} + coalesce(published.{{ column }}, 0) as {{ column }}{{ "," if not loop.last }}
            {%- endfor %}
        from {{ changed }} as changed
        left join {{ published_before() }} as published on {{ same_key(key, "changed", "published") }}
    {%- else -%}
        select {{ key | join(", ") }}, {{ sums | join(", ") }} from {{ changed }}
    {%- endif -%}
{% endmacro %}

{# What `touched_<system>__<family>` of several systems list, with the system's name. #}
{% macro union_touched(family, columns, systems) -%}
    {%- for system in systems %}
    select
        '{{ system }}'::text as system,
        {{ columns | join(',\n        ') }}
    from {{ ref('touched_' ~ system ~ '__' ~ family) }}
    {%- if not loop.last %}
    union all
    {%- endif %}
    {%- endfor %}
{%- endmacro %}
