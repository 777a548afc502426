{# What `ref` to a mart shows while a build goes on: views of schema `building`, on what is published or on what is built
   so far. How a mart is built is mart.sql's. #}

{# The mart as it will be once this build is published. Where nothing goes away nothing is said of it: a condition here
   hides the mart's indexes from whatever joins it. #}
{% macro _show_change(name, key) %}
    {%- set goes_away = run_query("select exists (select from building." ~ name ~ "__gone)").columns[0].values()[0] -%}
    {%- set published -%}
        select {{ mart_columns(model, "published") }} from {{ this }} as published
        {%- if goes_away %}
        where not exists (select from building.{{ name }}__gone as gone where {{ same_key(key, "gone", "published") }})
        {%- endif %}
    {%- endset -%}
    {{ replace_view(name, published ~ " union all select " ~ mart_columns(model) ~ " from building." ~ name ~ "__new") }}
{% endmacro %}

{# A view of schema `building`, replaced in place unless its columns changed. #}
{% macro replace_view(name, query) %}
    do $view$
    begin
        create or replace view building.{{ name }} as {{ query }};
    exception when invalid_table_definition then
        drop view building.{{ name }} cascade;
        create view building.{{ name }} as {{ query }};
    end
    $view$
{% endmacro %}

{# While nothing is built, the mart in progress is the published one; nothing where there is none yet. #}
{% macro show_published(name) %}
    {%- if is_published(name) -%}
        {{ replace_view(name, "select * from marts." ~ name) }};
        commit
    {%- else -%}
        select 1
    {%- endif -%}
{% endmacro %}
