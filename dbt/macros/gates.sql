{# What the gates decided: marts take new rows only of systems that no critical rule holds back. #}

{# The systems that are held, as a list of names; empty while dbt only parses, and in DuckDB, which has no state to keep:
   whoever builds there is told beforehand. #}
{% macro held_systems() %}
    {% if not execute or target.type == "duckdb" %}
        {{ return([]) }}
    {% endif %}
    {{ return(asked_once("held_systems", "select system from audit.held_systems order by system")) }}
{% endmacro %}

{# The first column of a query whose answer stands for the whole invocation. It is kept beside dbt's graph, the one thing
   all models share: asked anew by every model that wants to know, it took a third of a build in which nothing changed. #}
{% macro asked_once(name, query) %}
    {% set answers = graph.setdefault("asked_once", {}) %}
    {% if name not in answers %}
        {% do answers.update({name: run_query(query).columns[0].values() | list}) %}
    {% endif %}
    {{ return(answers[name]) }}
{% endmacro %}

{# True for the rows of a system that is not held. #}
{% macro is_open(system) -%}
    {%- set held = held_systems() -%}
    {%- if held -%}
        {{ system }} not in ('{{ held | join("', '") }}')
    {%- else -%}
        true
    {%- endif -%}
{%- endmacro %}

{# `int_<system>__<model>` of several systems as one relation, with the system's name; nothing of a held one. #}
{% macro union_open_systems(model, columns, systems) -%}
    {%- for system in systems %}
    select
        '{{ system }}'::text as system,
        {{ columns | join(',\n        ') }}
    from {{ ref('int_' ~ system ~ '__' ~ model) }}
    where {{ is_open("'" ~ system ~ "'") }}
    {%- if not loop.last %}
    union all
    {%- endif %}
    {%- endfor %}
{%- endmacro %}
