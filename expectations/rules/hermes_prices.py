"""What must hold of the prices of Hermes: B-05 to B-09."""

from expectations.rule import Mutation, Rule, Summary
from expectations.rules.hermes import MARKETS, change_one, remove_one, repeats, version_for_pick

PRICES_BY_VERSION = Summary(
    name="hermes_prices_by_version",
    query="""
        select odds_versions.id as odds_version_id, odds_versions.market_id, odds_versions.version_no,
            odds_versions.created_at,
            count(outcome_odds.id) as prices,
            count(distinct outcome_odds.outcome_id) filter (where outcomes.id is not null) as outcomes_priced,
            min(outcome_odds.decimal_odds) as lowest_odds,
            max(outcome_odds.decimal_odds) as highest_odds,
            sum(1 / nullif(outcome_odds.decimal_odds, 0)) as overround,
            min(scale(outcome_odds.decimal_odds)) as places
        from raw_hermes.odds_versions
        left join raw_hermes.outcome_odds on outcome_odds.odds_version_id = odds_versions.id
        left join raw_hermes.outcomes
            on outcomes.id = outcome_odds.outcome_id and outcomes.market_id = odds_versions.market_id
        where in_scope(odds_versions.market_id)
        group by odds_versions.id
    """,
    scope=MARKETS,
)
_PRICED_TWICE = "market_id = (select market_id from raw_hermes.odds_versions where version_no = 2 order by 1 limit 1)"
_FIRST_OF_TWO = f"version_no = 1 and {_PRICED_TWICE}"
_SECOND_OF_TWO = f"version_no = 2 and {_PRICED_TWICE}"

RULES = (
    Rule(
        id="B-05",
        system="hermes",
        title="A market's versions of its prices count up from 1 in order of time, and only the last is current.",
        severity="error",
        unit=None,
        tables=("odds_versions",),
        query="""
            with ordered as (
                select market_id, version_no, is_current, created_at,
                    lag(version_no) over versions as previous_no,
                    lag(created_at) over versions as previous_at
                from raw_hermes.odds_versions
                where in_scope(odds_versions.market_id)
                window versions as (partition by market_id order by version_no, created_at)
            )
            select market_id::text as subject, null::numeric as amount,
                jsonb_build_object(
                    'versions', count(*), 'first', min(version_no), 'last', max(version_no),
                    'current', jsonb_agg(version_no order by version_no) filter (where is_current),
                    'repeated', count(*) filter (where version_no = previous_no),
                    'older_than_the_one_before', count(*) filter (where created_at < previous_at)
                ) as evidence,
                max(created_at) as happened_at
            from ordered
            group by market_id
            having min(version_no) <> 1 or max(version_no) <> count(*)
            or bool_or(version_no = previous_no or created_at < previous_at)
            or count(*) filter (where is_current) <> 1
            or max(version_no) filter (where is_current) <> max(version_no)
        """,
        mutations=(
            Mutation("no version is current", change_one("odds_versions", "is_current = false", "is_current")),
            Mutation("two versions are current", change_one("odds_versions", "is_current = true", "not is_current")),
            Mutation(
                "an older version is current",
                f"update raw_hermes.odds_versions set is_current = not is_current where {_PRICED_TWICE}"  # noqa: S608
                " and (is_current or version_no = 1)",
            ),
            Mutation("a version is missing", remove_one("odds_versions", _FIRST_OF_TWO)),
            Mutation("two versions have one number", change_one("odds_versions", "version_no = 1", _SECOND_OF_TWO)),
            Mutation(
                "a version is older than the one before it",
                change_one("odds_versions", "created_at = created_at + interval '1 year'", _FIRST_OF_TWO),
            ),
        ),
        scope=MARKETS,
    ),
    Rule(
        id="B-06",
        system="hermes",
        title="Every version prices each outcome of its market once, at odds above 1.",
        severity="error",
        unit=None,
        tables=("odds_versions", "outcome_odds", "outcomes"),
        query="""
            with answers as (
                select market_id, count(*) as outcomes
                from raw_hermes.outcomes
                where in_scope(outcomes.market_id)
                group by market_id
            )
            select priced.odds_version_id::text as subject, null::numeric as amount,
                jsonb_build_object(
                    'market_id', market_id, 'outcomes', coalesce(answers.outcomes, 0),
                    'outcomes_priced', priced.outcomes_priced, 'prices', priced.prices,
                    'lowest_odds', priced.lowest_odds, 'highest_odds', priced.highest_odds
                ) as evidence,
                priced.created_at as happened_at
            from hermes_prices_by_version as priced
            left join answers using (market_id)
            where priced.outcomes_priced <> coalesce(answers.outcomes, 0) or priced.prices <> priced.outcomes_priced
            or not (priced.lowest_odds > 1 and priced.highest_odds < 'infinity')
        """,
        mutations=(
            Mutation("an outcome has no price", remove_one("outcome_odds")),
            Mutation(
                "an outcome is priced twice",
                """
                insert into raw_hermes.outcome_odds (id, odds_version_id, outcome_id, decimal_odds, _load_id)
                select gen_random_uuid(), odds_version_id, outcome_id, decimal_odds, _load_id
                from raw_hermes.outcome_odds order by id limit 1
                """,
            ),
            Mutation(
                "one outcome takes the price of another",
                change_one(
                    "outcome_odds",
                    "outcome_id = (select other.outcome_id from raw_hermes.outcome_odds as other"
                    " where other.odds_version_id = outcome_odds.odds_version_id"
                    " and other.outcome_id <> outcome_odds.outcome_id limit 1)",
                ),
            ),
            Mutation("odds give back no more than the stake", change_one("outcome_odds", "decimal_odds = 1")),
        ),
        reads=(PRICES_BY_VERSION,),
        scope=MARKETS,
    ),
    Rule(
        id="B-07",
        system="hermes",
        title="Decimal and fractional odds are the same price, to a hundredth.",
        severity="warn",
        unit=None,
        tables=("outcome_odds", "odds_versions"),
        query="""
            select outcome_odds.id::text as subject, null::numeric as amount,
                jsonb_build_object(
                    'decimal_odds', decimal_odds, 'fractional_num', fractional_num, 'fractional_den', fractional_den
                ) as evidence,
                odds_versions.created_at as happened_at
            from raw_hermes.outcome_odds
            inner join raw_hermes.odds_versions on odds_versions.id = outcome_odds.odds_version_id
            where in_scope(odds_versions.market_id)
            and case
                when fractional_den > 0
                    then abs(decimal_odds - 1 - fractional_num::numeric / fractional_den) > 0.01
                else fractional_den is not null
            end
        """,
        mutations=(
            Mutation(
                "a price is some hundredths off its fraction",
                change_one("outcome_odds", "decimal_odds = decimal_odds + 0.02"),
            ),
            Mutation(
                "a fraction counts the stake in",
                change_one("outcome_odds", "fractional_num = fractional_num + fractional_den"),
            ),
            Mutation("a fraction is divided by zero", change_one("outcome_odds", "fractional_den = 0")),
        ),
        scope=MARKETS,
    ),
    # Prices are rounded, and so is their sum: to as many places, but two at least.
    Rule(
        id="B-08",
        system="hermes",
        title="The chances that the prices of a version stand for add up to between 1.00 and 1.30.",
        severity="warn",
        unit=None,
        tables=("odds_versions", "outcome_odds", "outcomes"),
        query="""
            select odds_version_id::text as subject, null::numeric as amount,
                jsonb_build_object(
                    'market_id', market_id, 'version_no', version_no, 'overround', round(overround, 6),
                    'prices', prices
                ) as evidence,
                created_at as happened_at
            from hermes_prices_by_version
            where round(overround, greatest(places, 2)) not between 1.00 and 1.30
        """,
        mutations=(
            Mutation(
                "the prices of a version leave the house at a loss",
                change_one("outcome_odds", "decimal_odds = decimal_odds * 2"),
            ),
            Mutation(
                "the prices of a version leave nothing to win",
                change_one("outcome_odds", "decimal_odds = 1.01"),
            ),
        ),
        reads=(PRICES_BY_VERSION,),
        scope=MARKETS,
    ),
    # Versions that came out at one instant hold together: which of them the server took cannot be told.
    Rule(
        id="B-09",
        system="hermes",
        title="A pick is accepted at the newest prices that were out when it arrived.",
        severity="warn",
        unit=None,
        tables=("bet_intents", "odds_versions"),
        query=f"""
            with spans as (
                select id, market_id, version_no, created_at, min(created_at) over (
                    partition by market_id order by created_at groups between 1 following and 1 following
                ) as replaced_at
                from raw_hermes.odds_versions
                where in_scope(odds_versions.market_id)
            )
            select bet_intents.id::text as subject, null::numeric as amount,
                jsonb_build_object(
                    'server_received_at', server_received_at, 'accepted_version_no', spans.version_no,
                    'priced_from', spans.created_at, 'priced_until', spans.replaced_at
                ) as evidence,
                server_received_at as happened_at
            from raw_hermes.bet_intents
            inner join spans on spans.id = accepted_odds_version_id and spans.market_id = bet_intents.market_id
            where accepted and in_scope(bet_intents.market_id)
            and (server_received_at < spans.created_at or server_received_at >= spans.replaced_at)
            and not {repeats("bet_intents")}
        """,  # noqa: S608 - no outside input
        mutations=(
            Mutation(
                "a pick is accepted at prices that had been replaced",
                change_one(
                    "bet_intents",
                    f"accepted_odds_version_id = {version_for_pick('=', 'version_no')}",
                    f"accepted and accepted_odds_version_id <> {version_for_pick('=', 'version_no')}",
                ),
            ),
            Mutation(
                "a pick is accepted at prices that were not out yet",
                change_one(
                    "bet_intents",
                    f"accepted_odds_version_id = {version_for_pick('=', 'version_no desc')}",
                    f"accepted and accepted_odds_version_id <> {version_for_pick('=', 'version_no desc')}",
                ),
            ),
        ),
        scope=MARKETS,
    ),
)
