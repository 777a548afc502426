{{ union_touched('events', ['event_id'], ['storyforge']) }}
