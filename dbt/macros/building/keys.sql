{# How the keys that a build touched are listed: a table that is filled anew in place, for the views that ask it whether
   to look at a row must not go with an old one. #}
{% materialization keys, adapter="postgres" %}
    {%- set found = adapter.get_relation(this.database, this.schema, this.identifier) -%}
    {%- set wanted = get_column_schema_from_query(sql) | map(attribute="name") | list -%}
    {%- set stays = found is not none
        and adapter.get_columns_in_relation(found) | map(attribute="name") | list == wanted -%}
    {% call statement("main") %}
        {% if stays %}
            truncate {{ this }};
        {% else %}
            drop table if exists {{ this }} cascade;
            create unlogged table {{ this }} as select * from ({{ sql }}) as keys with no data;
        {% endif %}
        insert into {{ this }} {{ sql }};
        analyze {{ this }}
    {% endcall %}
    {% do adapter.commit() %}
    {{ return({"relations": [this]}) }}
{% endmaterialization %}
