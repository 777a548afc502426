{# What FunPot's rows mean where more than one model must read them alike. #}

{# The fee of one stake: rounded down per vote, at up to four decimals of a basis point, which are 10^8 parts of it. #}
{% macro funpot_fee(stake, fee_bps) -%}
    {{ whole_division("(" ~ stake ~ ") * " ~ whole("(" ~ fee_bps ~ ") * 10000"), 100000000) }}
{%- endmacro %}

{# The inviter's share of one paid top-up: rounded down; a percentage has two decimals. #}
{% macro funpot_bonus(amount, percent) -%}
    {{ whole_division("(" ~ amount ~ ") * " ~ whole("(" ~ percent ~ ") * 100"), 10000) }}
{%- endmacro %}

{# What a posting moved. The opposite direction of a reason takes back; the later words of the source's reasons count
   as the earlier ones, and a reason that is not known is its own movement. #}
{% macro funpot_movement(reason, is_credit, key) -%}
    case
        when {{ reason }} = 'event_vote_rollback' or (
            {{ reason }} in ('vote_cost', 'event_vote') and {{ is_credit }} and {{ key }} like '%:rollback'
        ) then 'stake_rolled_back'
        when {{ reason }} = 'event_draw_refund' then 'stake_refunded'
        when {{ reason }} in ('vote_cost', 'event_vote') and {{ is_credit }} then 'stake_refunded'
        when {{ reason }} in ('vote_cost', 'event_vote') then 'stake_taken'
        when {{ reason }} in ('reward', 'event_win') and {{ is_credit }} then 'reward_paid'
        when {{ reason }} in ('reward', 'event_win') then 'reward_clawed_back'
        when {{ reason }} = 'stars_topup' and {{ is_credit }} then 'topup_paid'
        when {{ reason }} = 'stars_topup' then 'topup_clawed_back'
        when {{ reason }} = 'withdraw' and {{ is_credit }} then 'withdrawal_returned'
        when {{ reason }} = 'withdraw' then 'withdrawal_taken'
        when {{ reason }} = 'referral_bonus' and {{ is_credit }} then 'referral_bonus_paid'
        when {{ reason }} = 'referral_bonus' then 'referral_bonus_clawed_back'
        else coalesce({{ reason }}, 'unexplained')
    end
{%- endmacro %}
