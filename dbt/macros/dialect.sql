{# Where Postgres and DuckDB differ. A model says what it means with these; no model knows which of the two it runs on.
   What both spell alike needs no macro: `::text`, `->>` with a key, `filter (where …)`, `distinct on`, `string_agg`,
   `(x at time zone 'UTC')::date`, `n * interval '1 minute'`, `cross join lateral (values …)`, `unnest … with ordinality`. #}

{# An exact whole number of any size: sums of bigint pass 2^63. #}
{% macro whole(value) -%}
    {{ return(adapter.dispatch("whole", "tally")(value)) }}
{%- endmacro %}
{% macro default__whole(value) -%} ({{ value }})::numeric {%- endmacro %}
{% macro duckdb__whole(value) -%} ({{ value }})::hugeint {%- endmacro %}

{# An exact decimal number; ten places where the engine wants to know how many. #}
{% macro decimal(value) -%}
    {{ return(adapter.dispatch("decimal", "tally")(value)) }}
{%- endmacro %}
{% macro default__decimal(value) -%} ({{ value }})::numeric {%- endmacro %}
{% macro duckdb__decimal(value) -%} ({{ value }})::decimal(38, 10) {%- endmacro %}

{# Whole numbers divided and rounded towards zero. #}
{% macro whole_division(dividend, divisor) -%}
    {{ return(adapter.dispatch("whole_division", "tally")(dividend, divisor)) }}
{%- endmacro %}
{% macro default__whole_division(dividend, divisor) -%}
    div(({{ dividend }})::numeric, ({{ divisor }})::numeric)
{%- endmacro %}
{% macro duckdb__whole_division(dividend, divisor) -%}
    (({{ dividend }})::hugeint // ({{ divisor }})::hugeint)
{%- endmacro %}

{# Whole numbers divided, rounded half away from zero to so many places; null when the divisor is 0 or null. #}
{% macro ratio(dividend, divisor, places) -%}
    {{ return(adapter.dispatch("ratio", "tally")(dividend, divisor, places)) }}
{%- endmacro %}
{% macro default__ratio(dividend, divisor, places) -%}
    round(({{ dividend }})::numeric / nullif(({{ divisor }})::numeric, 0), {{ places }})
{%- endmacro %}
{% macro duckdb__ratio(dividend, divisor, places) -%}
    (
        sign(({{ dividend }})::hugeint * ({{ divisor }})::hugeint)::hugeint
        * (
            (abs(({{ dividend }})::hugeint) * {{ 2 * 10 ** places }} + abs(({{ divisor }})::hugeint))
            // nullif(2 * abs(({{ divisor }})::hugeint), 0)
        )
    )::decimal(38, 0) * {{ "%.*f" | format(places, 10 ** -places) }}::decimal({{ places + 1 }}, {{ places }})
{%- endmacro %}

{# As `ratio`, of decimal numbers with up to ten places. #}
{% macro decimal_ratio(dividend, divisor, places) -%}
    {{ return(ratio("(" ~ dividend ~ ") * 10000000000", "(" ~ divisor ~ ") * 10000000000", places)) }}
{%- endmacro %}

{# Seconds from one instant to a later one, to the microsecond, as an exact decimal. #}
{% macro seconds_between(earlier, later) -%}
    {{ return(adapter.dispatch("seconds_between", "tally")(earlier, later)) }}
{%- endmacro %}
{% macro default__seconds_between(earlier, later) -%}
    extract(epoch from ({{ later }}) - ({{ earlier }}))
{%- endmacro %}
{% macro duckdb__seconds_between(earlier, later) -%}
    (date_diff('microsecond', ({{ earlier }}), ({{ later }}))::decimal(38, 6) * 0.000001::decimal(7, 6))::decimal(38, 6)
{%- endmacro %}

{# True when some part of the text matches the regular expression. #}
{% macro matches(value, pattern) -%}
    {{ return(adapter.dispatch("matches", "tally")(value, pattern)) }}
{%- endmacro %}
{% macro default__matches(value, pattern) -%} ({{ value }}) ~ '{{ pattern }}' {%- endmacro %}
{% macro duckdb__matches(value, pattern) -%} regexp_matches({{ value }}, '{{ pattern }}') {%- endmacro %}

{# What a JSON value is: object, array, string, number, boolean or null. #}
{% macro json_kind(value) -%}
    {{ return(adapter.dispatch("json_kind", "tally")(value)) }}
{%- endmacro %}
{% macro default__json_kind(value) -%} jsonb_typeof({{ value }}) {%- endmacro %}
{% macro duckdb__json_kind(value) -%}
    case json_type({{ value }})
        when 'OBJECT' then 'object' when 'ARRAY' then 'array' when 'VARCHAR' then 'string'
        when 'BOOLEAN' then 'boolean' when 'NULL' then 'null' when null then null else 'number'
    end
{%- endmacro %}

{# The text of a JSON value that is no object or array: a string without its quotes. #}
{% macro json_text(value) -%}
    {{ return(adapter.dispatch("json_text", "tally")(value)) }}
{%- endmacro %}
{% macro default__json_text(value) -%} ({{ value }}) #>> '{}' {%- endmacro %}
{% macro duckdb__json_text(value) -%} ({{ value }}) ->> '$' {%- endmacro %}

{# To stand after `cross join lateral`: one row, with column `value`, for each element; none for what is no array. #}
{% macro json_elements(value) -%}
    {{ return(adapter.dispatch("json_elements", "tally")(value)) }}
{%- endmacro %}
{% macro default__json_elements(value) -%}
    (select * from jsonb_array_elements(
        case when jsonb_typeof({{ value }}) = 'array' then {{ value }} else '[]' end
    ) as elements (value))
{%- endmacro %}
{% macro duckdb__json_elements(value) -%}
    (select unnest(case when json_type({{ value }}) = 'ARRAY' then ({{ value }})::json[] else [] end) as value)
{%- endmacro %}

{# As `json_elements`, with columns `key` and `value`: the members of an object. #}
{% macro json_members(value) -%}
    {{ return(adapter.dispatch("json_members", "tally")(value)) }}
{%- endmacro %}
{% macro default__json_members(value) -%}
    (select * from jsonb_each(
        case when jsonb_typeof({{ value }}) = 'object' then {{ value }} else '{}' end
    ) as members (key, value))
{%- endmacro %}
{% macro duckdb__json_members(value) -%}
    (
        select
            key,
            ({{ value }}) -> ('$."' || key || '"') as value
        from (
            select unnest(case when json_type({{ value }}) = 'OBJECT' then json_keys({{ value }}) else [] end) as key
        ) as keys
    )
{%- endmacro %}

{# A JSON object of named expressions: json_object({'recorded': 'a.recorded'}). #}
{% macro json_object(members) -%}
    {{ return(adapter.dispatch("json_object", "tally")(members)) }}
{%- endmacro %}
{% macro default__json_object(members) -%}
    jsonb_build_object({% for name, value in members.items() %}'{{ name }}', {{ value }}{{ ", " if not loop.last }}{% endfor %})
{%- endmacro %}
{% macro duckdb__json_object(members) -%}
    json_object({% for name, value in members.items() %}'{{ name }}', {{ value }}{{ ", " if not loop.last }}{% endfor %})
{%- endmacro %}

{# Aggregates rows to a JSON object; their keys must differ. #}
{% macro json_gathered(key, value) -%}
    {{ return(adapter.dispatch("json_gathered", "tally")(key, value)) }}
{%- endmacro %}
{% macro default__json_gathered(key, value) -%} jsonb_object_agg({{ key }}, {{ value }}) {%- endmacro %}
{% macro duckdb__json_gathered(key, value) -%}
    to_json(map(list({{ key }} order by {{ key }}), list({{ value }} order by {{ key }})))
{%- endmacro %}

{# The type of a JSON column, for nulls that stand in for one: {{ "null::" ~ json_type() }}. #}
{% macro json_type() -%}
    {{ return(adapter.dispatch("json_type", "tally")()) }}
{%- endmacro %}
{% macro default__json_type() -%} jsonb {%- endmacro %}
{% macro duckdb__json_type() -%} json {%- endmacro %}
