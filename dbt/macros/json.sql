{# JSON in Postgres (jsonb) and in DuckDB (json, which is text). One macro for each meaning; see dialect.sql. #}

{# The type of a JSON column, for nulls that stand in for one: {{ "null::" ~ json_type() }}. #}
{% macro json_type() -%}
    {{ "json" if target.type == "duckdb" else "jsonb" }}
{%- endmacro %}

{# What a JSON value is: object, array, string, number, boolean or null; SQL's null for no value. #}
{% macro json_kind(value) -%}
    {%- if target.type == "duckdb" -%}
        case
            when json_type({{ value }}) in ('OBJECT', 'ARRAY', 'BOOLEAN', 'NULL') then lower(json_type({{ value }}))
            when json_type({{ value }}) = 'VARCHAR' then 'string'
            when json_type({{ value }}) is not null then 'number'
        end
    {%- else -%}
        jsonb_typeof({{ value }})
    {%- endif -%}
{%- endmacro %}

{# The text of a JSON value that is no object or array: a string without its quotes; SQL's null for null. #}
{% macro json_text(value) -%}
    {%- if target.type == "duckdb" -%}
        (({{ value }}) ->> '$')
    {%- else -%}
        (({{ value }}) #>> '{}')
    {%- endif -%}
{%- endmacro %}

{# To stand after `cross join lateral`: one row, with column `value`, for each element; none for what is no array. #}
{% macro json_elements(value) -%}
    {%- if target.type == "duckdb" -%}
        (select value from json_each(case when json_type({{ value }}) = 'ARRAY' then {{ value }} else '[]' end))
    {%- else -%}
        (
            select value
            from jsonb_array_elements(case when jsonb_typeof({{ value }}) = 'array' then {{ value }} else '[]' end)
        )
    {%- endif -%}
{%- endmacro %}

{# As `json_elements`, with columns `key` and `value`: the members of an object. #}
{% macro json_members(value) -%}
    {%- if target.type == "duckdb" -%}
        (select key, value from json_each(case when json_type({{ value }}) = 'OBJECT' then {{ value }} else '{}' end))
    {%- else -%}
        (
            select key, value
            from jsonb_each(case when jsonb_typeof({{ value }}) = 'object' then {{ value }} else '{}' end)
        )
    {%- endif -%}
{%- endmacro %}

{# A JSON object of named expressions: json_object({'recorded': 'a.recorded'}). Instants go through instant_text. #}
{% macro json_object(members) -%}
    {{ "json_object" if target.type == "duckdb" else "jsonb_build_object" }}(
        {%- for name, value in members.items() %}'{{ name }}', {{ value }}{{ ", " if not loop.last }}{% endfor -%}
    )
{%- endmacro %}

{# An object without the members that are null. #}
{% macro json_without_nulls(object) -%}
    {%- if target.type == "duckdb" -%}
        json_merge_patch('{}'::json, {{ object }})
    {%- else -%}
        jsonb_strip_nulls({{ object }})
    {%- endif -%}
{%- endmacro %}

{# The members of two objects, of which the second one's stand; both flat and without nulls, or the engines differ. #}
{% macro json_merged(first, second) -%}
    {%- if target.type == "duckdb" -%}
        json_merge_patch({{ first }}, {{ second }})
    {%- else -%}
        (({{ first }}) || ({{ second }}))
    {%- endif -%}
{%- endmacro %}

{# An object without the members of these names (a list of literals). #}
{% macro json_without(object, names) -%}
    {%- if target.type == "duckdb" -%}
        (
            select coalesce(json_group_object(key, value), '{}')::json
            from json_each({{ object }})
            where key not in ('{{ names | join("', '") }}')
        )
    {%- else -%}
        (({{ object }}) - array['{{ names | join("', '") }}'])
    {%- endif -%}
{%- endmacro %}

{# An object with none but the members of these names (a list of literals); SQL's null for what is no object. Most
   objects hold no other: to see that first takes 0.8 µs a row in Postgres, to put each together anew 6.6 µs. #}
{% macro json_only(object, names) -%}
    {%- if target.type == "duckdb" -%}
        case
            when json_type({{ object }}) = 'OBJECT' then (
                select coalesce(json_group_object(key, value), '{}')::json
                from json_each({{ object }})
                where key in ('{{ names | join("', '") }}')
            )
        end
    {%- else -%}
        case
            when jsonb_typeof({{ object }}) <> 'object' then null
            when ({{ object }}) - '{ {{- names | join(",") -}} }'::text[] = '{}' then {{ object }}
            else ({{ object }}) - array(
                select key
                from jsonb_object_keys({{ object }}) as members (key)
                where key <> all('{ {{- names | join(",") -}} }'::text[])
            )
        end
    {%- endif -%}
{%- endmacro %}

{# Aggregates the values to one JSON array, in the order of an expression. #}
{% macro json_array_of(value, order_by) -%}
    {%- if target.type == "duckdb" -%}
        to_json(array_agg({{ value }} order by {{ order_by }}))
    {%- else -%}
        jsonb_agg({{ value }} order by {{ order_by }})
    {%- endif -%}
{%- endmacro %}

{# Aggregates rows to a JSON object; their keys must differ. #}
{% macro json_gathered(key, value) -%}
    {%- if target.type == "duckdb" -%}
        to_json(map(list({{ key }} order by {{ key }}), list({{ value }} order by {{ key }})))
    {%- else -%}
        jsonb_object_agg({{ key }}, {{ value }})
    {%- endif -%}
{%- endmacro %}

{# What the rows of unit tests are cast with. DuckDB compares JSON as its text, and the models' own has no spaces. #}
{% macro duckdb__safe_cast(field, type) -%}
    {{ "json(" ~ field ~ ")" if type == "JSON" else "cast(" ~ field ~ " as " ~ type ~ ")" }}
{%- endmacro %}
