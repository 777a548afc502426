{# How a model finds a few rows of a mart while it is built: by indexes, which a join of what is published, what goes away
   and what is new would not see. #}

{# The rows of a mart, or of another model, that meet a condition and are under the keys that a model lists (`listed_as`,
   under other names), as a relation; of a `system` that is built whole, under any key. Each key is looked up by itself,
   which `offset 0` keeps so: while a build goes on, a join does not see the indexes of a mart of which something goes
   away, and reads all of it; nor does one know, of a table in partitions, how few rows it will find. #}
{% macro looked_up(mart, keys, columns, system=none, condition="true", listed_as=none) -%}
    {%- set is_asked = keys_are_listed() -%}
    {%- set listed = ref(keys) if is_asked or not system -%}
    {%- set key -%}
        {%- for column in columns -%}
            mart.{{ column }} = listed.{{ (listed_as or columns)[loop.index0] }}{{ " and " if not loop.last }}
        {%- endfor -%}
    {%- endset -%}
    {%- if system and (not is_asked or is_full(system)) -%}
        (select mart.* from {{ ref(mart) }} as mart where {{ condition }})
    {%- elif is_asked -%}
        (
            select found.* from {{ listed }} as listed
            cross join
                lateral (
                    select mart.* from {{ ref(mart) }} as mart
                    where {{ key }} and {{ condition }}
                    offset 0
                ) as found
        )
    {%- else -%}
        (
            select mart.* from {{ ref(mart) }} as mart
            inner join {{ listed }} as listed on {{ key }}
            where {{ condition }}
        )
    {%- endif -%}
{%- endmacro %}

{# The rows of a mart that `in_scope` means, by its index: under the keys that a model lists, or of systems that are built
   whole. #}
{% macro rows_in_scope(columns, keys, mart) -%}
    {%- set is_asked = keys_are_listed() -%}
    {%- set found = looked_up(mart, keys, columns) if is_asked -%}
    {%- set systems = full_systems() -%}
    {%- if systems is none -%}
        {{ ref(mart) }}
    {%- else -%}
        (
            select touched.* from {{ found }} as touched
            {%- if systems %}
            union all
            select mart.* from {{ ref(mart) }} as mart where mart.system in ('{{ systems | join("', '") }}')
            {%- endif %}
        )
    {%- endif -%}
{%- endmacro %}

{# The largest value of a mart's column among a system's rows, as an expression. What is published and what is new are
   asked apart while a build goes on: an index on the system and the column answers for each, and not for both at once. #}
{% macro newest(mart, column, system) -%}
    {%- set relation = ref(mart) -%}
    {%- if full_systems() is none or _is_whole(mart) -%}
        (select max(mart.{{ column }}) from {{ relation }} as mart where mart.system = {{ system }})
    {%- else -%}
        {%- set node = graph.nodes.values() | selectattr("resource_type", "equalto", "model")
            | selectattr("name", "equalto", mart) | first -%}
        greatest(
            (
                select published.{{ column }} from marts.{{ mart }} as published
                where
                    published.system = {{ system }}
                    and published.{{ column }} is not null
                    and not exists (
                        select from building.{{ mart }}__gone as gone
                        where {{ same_key(primary_key(node), "gone", "published") }}
                    )
                order by published.{{ column }} desc
                limit 1
            ),
            (select max(new.{{ column }}) from building.{{ mart }}__new as new where new.system = {{ system }})
        )
    {%- endif -%}
{%- endmacro %}
