-- The old dispatch system, as it grew. It declares no foreign keys, and its widths are habits: nothing enforces them.

create table dispatch_offices (
  office_no integer primary key,
  office_nm char(40) not null,
  parent_no integer,
  street_1 varchar(60),
  city varchar(40),
  state_cd char(2),
  zip_cd varchar(10),
  phone_no varchar(24),
  open_dt char(10), -- dd/mm/yyyy
  actv_fl char(1) not null,
  crt_ts timestamp not null
);

create table dispatch_doctors (
  doc_no integer primary key,
  office_no integer not null,
  doc_nm char(40) not null, -- FAMILY, GIVEN
  npi_no char(10),
  lic_no char(10) not null,
  spec_cd char(2),
  email_addr varchar(80),
  disc_pct numeric(5,2),
  join_dt char(10), -- dd/mm/yyyy
  actv_fl char(1) not null,
  crt_ts timestamp not null
);

create table dispatch_patients (
  patient_no integer primary key,
  rec_no char(12) not null,
  doc_no integer not null,
  first_nm varchar(30),
  last_nm varchar(40),
  sex_cd char(1) not null,
  dob char(8), -- yyyymmdd
  phone_no varchar(24),
  email varchar(80),
  bal_amt numeric(10,2),
  vip_fl char(1),
  crt_ts timestamp not null
);

create table dispatch_orders (
  order_no integer primary key,
  patient_no integer not null,
  tooth_no integer,
  prod_cd char(6) not null,
  shade_cd char(4),
  units_qt integer not null,
  ord_dt char(10) not null, -- dd/mm/yyyy
  due_dt char(10), -- dd/mm/yyyy, 00/00/0000 where none was agreed
  total_amt numeric(10,2) not null,
  stat_cd char(1) not null,
  note_txt varchar(200),
  msg_cd varchar(8),
  crt_ts timestamp not null
);

create table jaw_types (
  tooth_no integer primary key, -- universal numbering, 1 to 32
  fdi_cd char(2) not null,
  tooth_nm char(20) not null,
  quad_cd char(2) not null
);

create table sys_messages (
  sys_cd char(3) not null,
  msg_no integer not null,
  lang_cd char(2) not null,
  sev_cd integer not null,
  msg_txt varchar(200) not null,
  eff_dt char(8), -- yyyymmdd
  actv_fl char(1),
  upd_ts timestamp not null,
  primary key (sys_cd, msg_no, lang_cd)
);
