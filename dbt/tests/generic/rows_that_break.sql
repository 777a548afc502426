{# Fails with every row of the model for which `condition` is true. #}
{% test rows_that_break(model, condition) %}

select * from {{ model }}
where {{ condition }}

{% endtest %}
