{# What a build starts with: which loads the marts do not hold yet, and which systems must be built whole.

   Everything of a build in progress lives in schema `building` and is made anew by the next one; what was built is
   remembered in `audit.built_loads` and `audit.built_systems`, which change in the transaction that publishes. #}

{# On run start: note the loads and the state of every system; marts in progress are what is published. #}
{% macro begin_build() %}
    {% if execute and target.type != "duckdb" and flags.WHICH in ("build", "run") %}
        {% do graph.pop("asked_once", none) %}
        {% do run_query(_note_loads()) %}
        {% do held_systems() %} {# asked now, so that it is known before the first model reads a row #}
        {% for system in _systems() %}
            {% do run_query(_note_system(system)) %}
        {% endfor %}
        {% for mart in marts() %}
            {% do run_query(show_published(mart.name)) %}
        {% endfor %}
    {% endif %}
{% endmacro %}

{# The models that are published, as nodes of the graph. #}
{% macro marts() %}
    {{ return(graph.nodes.values() | selectattr("resource_type", "equalto", "model")
        | selectattr("config.materialized", "equalto", "mart") | list) }}
{% endmacro %}

{% macro _systems() %}
    {{ return(graph.sources.values() | map(attribute="source_name") | reject("equalto", "ingest") | unique | list) }}
{% endmacro %}

{% macro _note_loads() %}
    create schema if not exists building;
    drop table if exists building.loads;
    create table building.loads as
    select
        loads.load_id,
        loads.system,
        loads.replayed_at,
        built.load_id is null or loads.replayed_at is distinct from built.replayed_at as is_pending
    from ingest.loads
    left join audit.built_loads as built on loads.load_id = built.load_id
    where loads.status = 'loaded';
    drop table if exists building.systems;
    create table building.systems (system text primary key, fingerprint text not null, is_full boolean not null);
    commit
{% endmacro %}

{# A system is built whole when it never was, when the project has changed since, when asked to, or when a table has
   changed whose changes its models do not follow row by row. #}
{% macro _note_system(system) %}
    insert into building.systems
    select
        '{{ system }}',
        tables.fingerprint,
        {{ "true" if flags.FULL_REFRESH or env_var("TALLY_PROVE", "") == system else "false" }}
        or built.fingerprint is distinct from tables.fingerprint
        {%- for mart in marts() %}
        or to_regclass('{{ mart.schema }}.{{ mart.name }}') is null
        {%- endfor %}
    from (
        select md5(concat_ws(
            ' ', '{{ project_fingerprint() }}'
            {%- for table in _tables_not_followed(system) -%}
            , ({{ _digest(table) }})
            {%- endfor -%}
        )) as fingerprint
    ) as tables
    left join audit.built_systems as built on built.system = '{{ system }}';
    commit
{% endmacro %}

{# Equal for equal models: a digest of the project's files that whoever runs dbt gives, and the vars that were given. #}
{% macro project_fingerprint() -%}
    {%- set vars = invocation_args_dict.get("vars") or "" -%}
    {{- env_var("TALLY_DBT_FINGERPRINT", invocation_id) ~ (vars | replace("'", "")) -}}
{%- endmacro %}

{# One checksum of a table's content, whatever the order of its rows and whichever load brought them. #}
{% macro _digest(table) -%}
    select md5(coalesce(string_agg(row_digest, '' order by row_digest), '')) from (
        select md5((to_jsonb(one_row) - '_load_id')::text) as row_digest
        from {{ table.schema }}.{{ table.name }} as one_row
    ) as digests
{%- endmacro %}

{# The tables of a system that a mart built by keys reads without following them: the whole system is built when one of
   them changes. A model says in `meta.follows` which tables' changes its keys tell of, for itself and what it reads. #}
{% macro _tables_not_followed(system) %}
    {% set waiting = [] %}
    {% for mart in marts() if _is_scoped(mart, system) %}
        {% for parent in mart.depends_on.nodes %}
            {% do waiting.append((parent, mart.config.meta.get("follows", []))) %}
        {% endfor %}
    {% endfor %}
    {% set seen = [] %}
    {% set tables = {} %}
    {% for _ in range(10000) if waiting %}
        {% set id, followed = waiting.pop() %}
        {% set source = graph.sources.get(id) %}
        {% set node = graph.nodes.get(id) %}
        {% if source and source.source_name == system and source.name not in followed %}
            {% do tables.update({source.name: source}) %}
        {% elif node and node.config.materialized == "view" and (id, followed) not in seen %}
            {% do seen.append((id, followed)) %}
            {% for parent in node.depends_on.nodes %}
                {% do waiting.append((parent, followed + node.config.meta.get("follows", []))) %}
            {% endfor %}
        {% endif %}
    {% endfor %}
    {{ return(tables.values() | sort(attribute="name")) }}
{% endmacro %}

{% macro _is_scoped(mart, system) %}
    {% set scope = mart.config.meta.get("scope") %}
    {{ return(scope == "candidates" or (scope is mapping and system not in scope.get("but_whole", []))) }}
{% endmacro %}
