{# True when the active rows are what a counter is held against: always, never, or when they alone agree with it. #}
{% macro storyforge_counts_active(recorded, of_all, of_active) -%}
    {%- set population = var("e004_counter_population") -%}
    {%- if execute and population not in ("either", "all", "active") -%}
        {{ exceptions.raise_compiler_error(
            "The var e004_counter_population is '" ~ population ~ "': set it to either, all or active."
        ) }}
    {%- endif -%}
    {%- if population == "either" -%}
        ({{ recorded }} = {{ of_active }} and {{ recorded }} <> {{ of_all }})
    {%- else -%}
        {{ "true" if population == "active" else "false" }}
    {%- endif -%}
{%- endmacro %}
