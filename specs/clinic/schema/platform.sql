-- The new platform. Keys are UUIDs as text, decimals are text with exactly their scale, dates and timestamps are ISO 8601.

create table offices (
  id text not null primary key,
  name text not null,
  parent_office_id text references offices (id),
  street text,
  city text,
  state text,
  postal_code text,
  phone text,
  opened_on date,
  is_active boolean not null,
  created_at timestamp not null
);

create table doctors (
  id text not null primary key,
  office_id text not null references offices (id),
  full_name text not null,
  initials text not null,
  npi text,
  licence_no text not null,
  specialty text not null
    check (specialty in ('general', 'endodontics', 'orthodontics', 'periodontics', 'prosthodontics', 'oral_surgery')),
  email text,
  discount_percent text not null,
  joined_on date,
  is_active boolean not null,
  created_at timestamp not null
);

create table patients (
  id text not null primary key,
  record_no text not null,
  doctor_id text not null references doctors (id),
  full_name text not null,
  sex text not null
    check (sex in ('male', 'female', 'unknown')),
  born_on date,
  phone text,
  email text,
  balance text not null,
  is_vip boolean not null,
  status text not null
    check (status in ('active', 'archived')),
  created_at timestamp not null
);

create unique index patients_record_no on patients (record_no);

create table jaw_positions (
  id integer not null primary key
    check (id between 1 and 32),
  fdi_code text not null,
  name text not null,
  jaw text not null
    check (jaw in ('upper', 'lower')),
  side text not null
    check (side in ('left', 'right'))
);

create table orders (
  id text not null primary key,
  number integer not null,
  patient_id text not null references patients (id),
  jaw_position_id integer references jaw_positions (id),
  product text not null
    check (product in ('aligner', 'bridge', 'crown', 'denture', 'implant', 'inlay', 'night_guard', 'veneer')),
  shade text,
  units integer not null
    check (units > 0),
  ordered_on date not null,
  due_on date,
  total text not null,
  status text not null
    check (status in ('received', 'in_production', 'shipped', 'cancelled')),
  note text,
  last_message_code text,
  created_at timestamp not null,
  check (due_on is null or due_on >= ordered_on)
);

create table system_messages (
  id text not null primary key,
  code text not null,
  language text not null,
  severity text not null
    check (severity in ('info', 'notice', 'warning', 'error')),
  body text not null,
  starts_on date,
  is_active boolean not null,
  updated_at timestamp not null
);

create unique index system_messages_code_language on system_messages (code, language);

-- What the screens look up, and what deleting a parent row has to check.
create index offices_parent_office_id on offices (parent_office_id);
create index doctors_office_id on doctors (office_id);
create index patients_doctor_id on patients (doctor_id);
create index orders_patient_id on orders (patient_id);
create index orders_jaw_position_id on orders (jaw_position_id);
