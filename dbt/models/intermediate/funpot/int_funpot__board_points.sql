select * from {{ ref('int_funpot__voter_points') }}
union all
select * from {{ ref('int_funpot__streamer_points') }}
union all
select * from {{ ref('int_funpot__option_points') }}
