{# Where Postgres and DuckDB differ. A model says what it means with these; no model knows which of the two it runs on.
   What both spell alike needs no macro: `::text`, `->>` with a plain key, `filter (where …)`, `distinct on`,
   `string_agg(… order by …)`, `(x at time zone 'UTC')::date`, `n * interval '1 minute'`, `split_part`, whole numbers'
   `/`, `cross join lateral (values …)`, `unnest … with ordinality`; nulls sort last, and first when descending.
   What both spell alike but do not mean alike: `->>` of an object or array (spaces), `::text` of a JSON number
   (1.10 or 1.1), `numeric` (18 digits in DuckDB), `avg` and numeric `/` (a double in DuckDB), `||` of two objects. #}

{# An exact whole number of any size: sums of bigint pass 2^63. The value must be whole already. #}
{% macro whole(value) -%}
    ({{ value }})::{{ "hugeint" if target.type == "duckdb" else "numeric" }}
{%- endmacro %}

{# An exact decimal number; ten places at most, for DuckDB wants to know how many. #}
{% macro decimal(value) -%}
    ({{ value }})::{{ "decimal(38, 10)" if target.type == "duckdb" else "numeric" }}
{%- endmacro %}

{# A decimal without the zeros at its end, where they are kept: what 1.25 was added to and taken from is stored alike. #}
{% macro without_end_zeros(value) -%}
    {{ value if target.type == "duckdb" else "trim_scale(" ~ value ~ ")" }}
{%- endmacro %}

{# Whole numbers divided and rounded towards zero; null when the divisor is null. Never divide by 0: an error or null. #}
{% macro whole_division(dividend, divisor) -%}
    {%- if target.type == "duckdb" -%}
        (({{ dividend }})::hugeint // ({{ divisor }})::hugeint)
    {%- else -%}
        div(({{ dividend }})::numeric, ({{ divisor }})::numeric)
    {%- endif -%}
{%- endmacro %}

{# Whole numbers divided, rounded half away from zero to so many places; null when the divisor is 0 or null.
   Numeric division would round twice: to 16 digits, and then to the places. #}
{% macro ratio(dividend, divisor, places) -%}
    {%- set size = "abs(" ~ whole(divisor) ~ ")" -%}
    (
        sign({{ whole(dividend) }})::integer * sign({{ whole(divisor) }})::integer
        * {{ whole_division(
            "abs(" ~ whole(dividend) ~ ") * " ~ 2 * 10 ** places ~ " + " ~ size, "nullif(2 * " ~ size ~ ", 0)"
        ) }}
    )::decimal(38, 0) * {{ "%.*f" | format(places, 10 ** -places) }}::decimal({{ places + 1 }}, {{ places }})
{%- endmacro %}

{# As `ratio`, of decimal numbers with up to ten places. #}
{% macro decimal_ratio(dividend, divisor, places) -%}
    {{- ratio("(" ~ dividend ~ ") * 10000000000", "(" ~ divisor ~ ") * 10000000000", places) -}}
{%- endmacro %}

{# Seconds from one instant to a later one, to the microsecond, as an exact decimal. #}
{% macro seconds_between(earlier, later) -%}
    {%- if target.type == "duckdb" -%}
        (date_diff('microsecond', {{ earlier }}, {{ later }})::decimal(31, 0) * 0.000001::decimal(7, 6))
    {%- else -%}
        extract(epoch from ({{ later }}) - ({{ earlier }}))
    {%- endif -%}
{%- endmacro %}

{# Whole days of UTC from one instant to a later one: 0 until 24 hours have passed. #}
{% macro days_between(earlier, later) -%}
    {%- if target.type == "duckdb" -%}
        date_sub('day', ({{ earlier }}) at time zone 'UTC', ({{ later }}) at time zone 'UTC')::integer
    {%- else -%}
        extract(day from ({{ later }}) - ({{ earlier }}))::integer
    {%- endif -%}
{%- endmacro %}

{# The first instant of the UTC day that a text names as 2026-06-01; null when it names none. #}
{% macro day_begun(day) -%}
    case
        when
            {{ matches(day, '^[0-9]{4}-[0-9]{2}-[0-9]{2}$') }}
            and {{ "try_cast(" ~ day ~ " as date) is not null" if target.type == "duckdb"
                else "pg_input_is_valid(" ~ day ~ ", 'date')" }}
            then ({{ day }})::date::timestamp at time zone 'UTC'
    end
{%- endmacro %}

{# An instant as JSON members tell it: 2026-06-01T12:00:00.000000Z. #}
{% macro instant_text(instant) -%}
    {%- if target.type == "duckdb" -%}
        strftime(({{ instant }}) at time zone 'UTC', '%Y-%m-%dT%H:%M:%S.%fZ')
    {%- else -%}
        to_char(({{ instant }}) at time zone 'UTC', 'YYYY-MM-DD"T"HH24:MI:SS.US"Z"')
    {%- endif -%}
{%- endmacro %}

{# True when some part of the text matches the regular expression; a dot stands for any character, line ends too. #}
{% macro matches(value, pattern) -%}
    {%- if target.type == "duckdb" -%}
        regexp_matches({{ value }}, '{{ pattern }}', 's')
    {%- else -%}
        (({{ value }}) ~ '{{ pattern }}')
    {%- endif -%}
{%- endmacro %}
