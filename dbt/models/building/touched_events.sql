{{ union_touched('events', ['event_id'], ['funpot', 'storyforge']) }}
