-- Takes over the runs of a store of the first shape, which stepped aside in 001. Where the store is new there are none.
-- Rows in words that this store does not know are left behind.

insert or ignore into migration_runs (run_id, project, environment, status, reason, counts, started_at, completed_at, created_at)
select run_id, project, environment, status, reason, counts, started_at,
    case when status in ('completed', 'failed', 'cancelled') then completed_at end, started_at
from migration_runs_of_first_shape;

insert or ignore into migration_control (run_id, holder, process_id, created_at)
select run_id, process_holder, process_id, started_at
from migration_runs_of_first_shape
where run_id in (select run_id from migration_runs);

insert or ignore into workflow_states (run_id, entity_type, position, status, reason, counts, elapsed_ms)
select run_id, entity_type, position, status, reason, counts, elapsed_ms
from workflow_states_of_first_shape
where run_id in (select run_id from migration_runs);

drop table workflow_states_of_first_shape;
drop table migration_runs_of_first_shape;
