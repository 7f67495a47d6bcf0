-- The run that moved all that a detection found. A plan is carried out once.

alter table detections add column carried_out_by text;
