{# When a pick came too late. The instant of the lock itself is late unless the var says that it is still open. #}
{% macro hermes_is_late(received_at, lock_at) -%}
    {%- set boundary = var("h001_lock_boundary") -%}
    {%- if execute and boundary not in ("late", "open") -%}
        {{ exceptions.raise_compiler_error("The var h001_lock_boundary is '" ~ boundary ~ "': set it to late or open.") }}
    {%- endif -%}
    ({{ received_at }} {{ ">=" if boundary == "late" else ">" }} {{ lock_at }})
{%- endmacro %}
