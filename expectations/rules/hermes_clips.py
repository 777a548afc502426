"""What must hold of what clips and markets of Hermes show: B-18 and B-19."""

from expectations.rule import Mutation, Rule
from expectations.rules.hermes import CLIPS, change_one, remove_one, words

LOCALES = ("en", "sv")

RULES = (
    # Only a media asset says how long it is. An offset that is not told is not judged.
    Rule(
        id="B-18",
        system="hermes",
        title="A clip's preview comes before its reveal, and both lie within the media.",
        severity="error",
        unit=None,
        tables=("events", "event_media"),
        query="""
            with played as (
                select 'clip ' || id as subject, id as event_id, preview_start_ms, preview_end_ms, reveal_start_ms,
                    reveal_end_ms, null::integer as duration_ms
                from raw_hermes.events
                where in_scope(events.id)
                union all
                select 'asset ' || id, event_id, preview_start_ms, preview_end_ms, reveal_start_ms,
                    reveal_end_ms, duration_ms
                from raw_hermes.event_media
                where in_scope(event_media.event_id)
            )
            select subject, null::numeric as amount, to_jsonb(played) - 'subject' as evidence,
                events.lock_at as happened_at
            from played
            left join raw_hermes.events on events.id = played.event_id
            where not (
                0 <= played.preview_start_ms and played.preview_start_ms < played.preview_end_ms
                and played.preview_end_ms <= played.reveal_start_ms
                and played.reveal_start_ms < played.reveal_end_ms
            )
            or played.preview_end_ms > duration_ms or played.reveal_end_ms > duration_ms
        """,
        mutations=(
            Mutation("a preview begins before the media", change_one("event_media", "preview_start_ms = -1")),
            Mutation("a preview has no length", change_one("event_media", "preview_end_ms = preview_start_ms")),
            Mutation(
                "a preview runs into the reveal",
                change_one("events", "preview_end_ms = reveal_start_ms + 1"),
            ),
            Mutation("a reveal ends before it begins", change_one("events", "reveal_end_ms = reveal_start_ms - 1")),
            Mutation("a reveal runs over the end", change_one("event_media", "duration_ms = reveal_end_ms - 1")),
        ),
        needs_all=False,
        scope=CLIPS,
    ),
    Rule(
        id="B-19",
        system="hermes",
        title="Every question and every label has its text in English and in Swedish.",
        severity="warn",
        unit=None,
        tables=("localization_values", "localization_keys", "markets", "outcomes"),
        query=f"""
            with shown as (
                select question_key as key_name, 'question' as kind, count(*) as uses
                from raw_hermes.markets
                group by 1
                union all
                select label_key, 'label', count(*)
                from raw_hermes.outcomes
                group by 1
            ),
            translated as (
                select key_name, array_agg(locale_code) as locales
                from raw_hermes.localization_keys
                inner join raw_hermes.localization_values on localization_key_id = localization_keys.id
                where btrim(text_value) <> ''
                group by 1
            )
            select kind || ' ' || key_name as subject, null::numeric as amount,
                jsonb_build_object('uses', uses, 'locales', coalesce(to_jsonb(locales), '[]')) as evidence,
                null::timestamptz as happened_at
            from shown
            left join translated using (key_name)
            where key_name is not null
            and (locales @> array[{words(LOCALES)}]) is not true
        """,  # noqa: S608 - no outside input
        mutations=(
            Mutation("a text has no Swedish value", remove_one("localization_values", "locale_code = 'sv'")),
            Mutation(
                "a text is blank in English",
                change_one("localization_values", "text_value = ' '", "locale_code = 'en'"),
            ),
            Mutation(
                "a market asks a question nobody wrote", change_one("markets", "question_key = 'question.unheard'")
            ),
            Mutation("an outcome is labelled with no text", change_one("outcomes", "label_key = 'label.unheard'")),
        ),
    ),
)
