{%- set others = ['funpot', 'hermes', 'storyforge'] %}
{{ config(
    indexes=[{'columns': ['system', 'cause']}],
    meta={
        'scope': {'columns': ['system', 'subject'], 'keys': 'touched_counter_subjects', 'but_whole': others},
        'follows': ['event_counters', 'user_stats'],
    }
) }}
-- depends_on: {{ ref('touched_counter_subjects') if target.type != 'duckdb' }}
{{ union_open_systems(
    'counter_reconciliation',
    ['subject', 'counter', 'recorded', 'recounted', 'basis', 'drift', 'cause', 'broken_since'],
    others + ['synapse'],
) }}
