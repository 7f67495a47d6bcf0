-- The new platform. Keys are UUIDs as text, decimals are text with exactly their scale, dates and timestamps are ISO 8601.

create table group_policies (
  id text not null primary key,
  policy_no text not null,
  group_name text not null,
  product text not null
    check (product in ('short_term_disability', 'long_term_disability', 'life')),
  starts_on date not null,
  ends_on date,
  annual_premium text not null,
  state text not null,
  check (ends_on is null or ends_on >= starts_on)
);

create unique index group_policies_policy_no on group_policies (policy_no);

create table employees (
  id text not null primary key,
  employee_no integer not null,
  group_policy_id text not null references group_policies (id),
  manager_id text references employees (id),
  full_name text not null,
  ssn_last_four text,
  born_on date,
  hired_on date not null,
  annual_salary text,
  status text not null
    check (status in ('active', 'on_leave', 'terminated')),
  email text,
  work_state text
);

create table absences (
  id text not null primary key,
  employee_id text not null references employees (id),
  kind text not null
    check (kind in ('vacation', 'sick', 'family', 'jury_duty', 'other')),
  starts_on date not null,
  ends_on date,
  hours text not null,
  is_paid boolean not null,
  note text,
  check (ends_on is null or ends_on >= starts_on)
);

create table disabilities (
  case_no text not null primary key,
  employee_id text not null references employees (id),
  term text not null
    check (term in ('short', 'long')),
  diagnosis text,
  disabled_on date not null,
  returned_on date,
  elimination_days integer not null,
  weekly_benefit_cents integer not null,
  status text not null
    check (status in ('pending', 'open', 'closed'))
);

create table claims (
  id text not null primary key,
  claim_no integer not null,
  employee_id text not null references employees (id),
  disability_case_no text references disabilities (case_no),
  kind text not null
    check (kind in ('medical', 'dental')),
  service_on date not null,
  filed_at timestamp not null,
  billed text not null,
  paid text,
  status text not null
    check (status in ('open', 'paid', 'denied')),
  payee text
);

-- What the screens look up, and what deleting a parent row has to check.
create index employees_group_policy_id on employees (group_policy_id);
create index employees_manager_id on employees (manager_id);
create index absences_employee_id on absences (employee_id);
create index disabilities_employee_id on disabilities (employee_id);
create index claims_employee_id on claims (employee_id);
create index claims_disability_case_no on claims (disability_case_no);
