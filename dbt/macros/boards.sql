{# What a board is made of: one way to score, one way to rank, whenever it is asked for. #}

{# The score of summed points: the sum, or a share or mean to ten places, so that 1/3 and 2/6 tie and shares of fewer
   than 100,000 never do by rounding. #}
{% macro board_score(points, weight) -%}
    case
        when {{ weight }} is null then {{ points }}
        else {{ decimal(ratio(points ~ ' * 10000000000', weight, 0)) }} * 0.0000000001
    end
{%- endmacro %}

{# Whether summed points are ranked: where they are weighed, they rest on something, and on as much as the board asks. #}
{% macro board_ranks(weight, minimum) -%}
    ({{ minimum }} = 0 or {{ weight }} >= {{ minimum }}) and {{ weight }} is distinct from 0
{%- endmacro %}

{# What decides between equal scores besides the tiebreak: who came first, or the smaller id read as a number. #}
{% macro board_tie_keys(tie_rule, entered_at, entity_id) -%}
    case {{ tie_rule }} when 'ordinal by earliest' then {{ entered_at }} end as earlier_first,
    case
        when {{ tie_rule }} = 'ordinal by entity id' and {{ matches(entity_id, '^[0-9]{1,30}$') }}
            then {{ whole(entity_id) }}
    end as smaller_first
{%- endmacro %}

{# The place of each row of a board, by the rule that the row names; `board` are the columns that tell boards apart. #}
{% macro board_rank(board) -%}
    case tie_rule
        when 'competition' then rank() over (partition by {{ board }} order by score desc)
        when 'dense' then dense_rank() over (partition by {{ board }} order by score desc)
        else row_number() over (
            partition by {{ board }}
            order by
                score desc, tiebreak desc, earlier_first asc nulls last, smaller_first asc nulls last, entity_id asc
        )
    end
{%- endmacro %}

{# A function for analysts: a board as it stood at an instant. It may read the points, which they may not. #}
{% macro create_board_as_of() %}
    {% if target.type == "postgres" %}
create or replace function marts.board_as_of(
    system_name text, board_name text, period_name text, as_of timestamptz
) returns table (rank bigint, entity_id text, score numeric)
language plpgsql stable security definer set search_path = pg_catalog, pg_temp as $function$
#variable_conflict use_column
declare
    midnight constant timestamptz := date_trunc('day', as_of, 'UTC');
    -- A day's board is of the points that the lifetime board got on that day.
    of_day constant date :=
        case when period_name like 'day:%' and pg_input_is_valid(substr(period_name, 5), 'date')
            then substr(period_name, 5)::date end;
    dated constant text := case when of_day is null then period_name else 'lifetime' end;
begin
    return query
    with moved as (
        select daily.entity_id, daily.points, daily.weight, daily.tiebreak, null::timestamptz as entered_at
        from marts.leaderboard_scores_daily as daily
        where daily.system = system_name and daily.board = board_name and daily.period = dated
            and daily.day < (midnight at time zone 'UTC')::date
            and (of_day is null or daily.day = of_day)
        union all
        select entered.entity_id, entered.points, entered.weight, null, entered.entered_at
        from marts.leaderboard_entities as entered
        where entered.system = system_name and entered.board = board_name and entered.period = dated
            and entered.entered_at <= as_of and of_day is null
        union all
        select points.entity_id, points.points, points.weight, points.tiebreak, null
        from intermediate.int_leaderboard_points as points
        where points.system = system_name and points.board = board_name and points.period = dated
            and points.happened_at >= midnight and points.happened_at <= as_of and points.cause_kind <> 'entity'
            and (of_day is null or of_day = (midnight at time zone 'UTC')::date)
    ),
    summed as (
        select
            moved.entity_id, sum(moved.points) as points, sum(moved.weight)::numeric as weight,
            coalesce(sum(moved.tiebreak), 0) as tiebreak, min(moved.entered_at) as entered_at
        from moved
        group by 1
    ),
    entries as (
        select
            summed.entity_id, summed.tiebreak, boards.tie_rule,
            {{ board_score('summed.points', 'summed.weight') }} as score,
            {{ board_tie_keys('boards.tie_rule', 'summed.entered_at', 'summed.entity_id') }}
        from summed
        inner join intermediate.int_leaderboard_registry as boards
            on boards.system = system_name and boards.board = board_name
        where {{ board_ranks('summed.weight', 'boards.minimum_weight') }}
    )
    select {{ board_rank("1::integer") }}, entries.entity_id, entries.score::numeric from entries;
end
$function$;
grant execute on function marts.board_as_of to tally_analyst
    {% else %}
select 1
    {% endif %}
{% endmacro %}

{# A condition: the instant is not before the first of all systems' last days. As a literal, so that an index on the
   instant serves: joined alone, the days would be looked for in all of history. #}
{% macro since_last_days(instant) -%}
    {%- set last_days = ref('int_leaderboard_last_days') -%}
    {%- if execute and target.type != 'duckdb' and model.resource_type != 'unit_test' -%}
        {%- set first = run_query('select min(day) from ' ~ last_days).columns[0].values()[0] -%}
    {%- endif -%}
    {%- if first -%}
        {{ instant }} >= timestamptz '{{ first }} 00:00:00+00'
    {%- else -%}
        true
    {%- endif -%}
{%- endmacro %}
