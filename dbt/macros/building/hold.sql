{# Keep readers out of the marts that are replaced, all of them at once. Somebody who reads several may have one and wait
   for another, so locks that are not had within a moment are let go and asked for again, as the loader does when it adds
   a month (ingest/partitions.py). Taken one after the other, as the marts were dropped, they ended in a deadlock, of the
   build or of its reader, within fifty builds. #}
{% macro hold_readers(replaced) %}
    {%- set published = [] %}
    {%- for name in replaced if is_published(name) %}
        {%- do published.append(name) %}
    {%- endfor %}
    {%- if published %}
do $hold$
declare
    patience constant text := current_setting('lock_timeout');
begin
    loop
        begin
            set local lock_timeout = '100ms';
            lock table marts.{{ published | join(", marts.") }} in access exclusive mode;
            perform set_config('lock_timeout', patience, true);
            return;
        exception when lock_not_available then
            perform pg_sleep(0.1);
        end;
    end loop;
end
$hold$;
    {%- endif %}
{% endmacro %}
