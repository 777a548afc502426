{# In a build a mart is read as it will be. #}
{% macro ref() %}
    {% set relation = builtins.ref(*varargs, **kwargs) %}
    {% if target.type != "duckdb" and not relation.is_cte and relation.schema == "marts" %}
        {{ return(relation.incorporate(path={"schema": "building"})) }}
    {% endif %}
    {{ return(relation) }}
{% endmacro %}
