{# Fails with every group of `by` whose amounts do not add up to zero. #}
{% test postings_net_to_zero(model, by) %}

select
    {{ by | join(', ') }},
    sum(amount) as imbalance
from {{ model }}
group by {{ by | join(', ') }}
having sum(amount) <> 0

{% endtest %}
