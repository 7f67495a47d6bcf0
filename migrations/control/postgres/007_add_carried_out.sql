-- The run that moved all that a detection found. A plan is carried out once.

alter table transload.detections add column carried_out_by uuid;

comment on column transload.detections.carried_out_by is 'The run that moved all of it, if one did.';
