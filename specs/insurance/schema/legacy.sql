-- The mainframe's tables as they were unloaded, with a few invented rows. Dates are text, amounts have thousands separators or not, and
-- nothing ties one table to another. Social security numbers with 000 in front are never given to anybody.

create table grp_policy (
  pol_no char(8) not null primary key,
  grp_nm char(40) not null,
  prod_cd char(3) not null,
  eff_dt char(8) not null, -- yyyymmdd
  term_dt char(8) not null, -- 99999999 while it goes on
  ann_prem numeric(14,2) not null,
  state char(2) not null,
  upd_ts timestamp not null
);

create table emp_master (
  emp_no integer not null primary key,
  pol_no char(8) not null,
  mgr_no integer,
  first_nm char(20) not null,
  mid_init char(1),
  last_nm char(30) not null,
  ssn char(11),
  birth_dt char(8), -- yyyymmdd
  hire_dt char(10) not null, -- mm/dd/yyyy
  ann_sal varchar(14), -- 62,400.00
  sts_cd char(1) not null,
  email varchar(80),
  work_state char(2),
  upd_ts timestamp not null
);

create table abs_record (
  emp_no integer not null,
  abs_seq integer not null,
  abs_typ char(2) not null,
  from_dt char(8) not null, -- yyyymmdd
  thru_dt char(8), -- yyyymmdd
  hours numeric(6,2) not null,
  is_paid boolean not null,
  note varchar(120),
  tmp_batch integer,
  primary key (emp_no, abs_seq)
);

create table dis_case (
  case_no char(8) not null primary key,
  emp_no integer not null,
  typ_cd char(3) not null,
  dx_cd char(8),
  dis_dt char(10) not null, -- mm/dd/yyyy
  rtw_dt char(10), -- mm/dd/yyyy, 00/00/0000 until they are back
  elim_days integer not null,
  wk_amt varchar(12) not null, -- 1,234.50
  sts_cd char(1) not null
);

create table clm_header (
  clm_no integer not null primary key,
  emp_no integer not null,
  case_no char(8),
  clm_typ char(1) not null,
  svc_dt date not null,
  filed_ts timestamp not null,
  bill_amt numeric(12,2) not null,
  paid_amt numeric(12,2),
  sts_cd char(2) not null,
  payee_nm varchar(40)
);

insert into grp_policy values
  ('GP004711', 'NORTHWIND FREIGHT CO.', 'STD', '20150101', '99999999', 184500, 'OH', '2024-03-01 06:00:00'),
  ('GP004712', 'HARBOR & SONS, INC.', 'LTD', '20120701', '20231231', 96250.5, 'ME', '2024-03-01 06:00:00'),
  ('GP005090', 'CITY OF ASHBY', 'LIF', '20200401', '99999999', 51000.25, 'KS', '2024-03-01 06:00:00'),
  ('GP005091', 'ORCHARD CREDIT UNION', 'XXX', '20200401', '99999999', 1200, 'KS', '2024-03-01 06:00:00'); -- no such product

-- 104 reports to somebody who comes later; 107 has a policy that is not there.
insert into emp_master values
  (101, 'GP004711', null, 'MARTHA', 'J', 'QUILLAN', '000-12-3401', '19680214', '06/15/1998', '118,250.00', 'A', 'Martha.Quillan@northwind.example', 'OH', '2024-03-01 06:00:00'),
  (102, 'GP004711', 101, 'TOBIAS', null, 'O''REARDON', '000-12-3402', '19851130', '02/01/2016', '62,400.00', 'A', ' t.oreardon@northwind.example ', 'OH', '2024-03-01 06:00:00'),
  (103, 'GP004711', 101, 'YUKI', 'A', 'HALVORSEN', null, null, '09/09/2019', '58,900.50', 'L', null, 'IN', '2024-03-01 06:00:00'),
  (104, 'GP004712', 105, 'IRIS', null, 'DELACROIX-BAUM', '000-12-3404', '19740809', '01/10/2013', '71,000.00', 'A', 'iris@harbor.example', 'ME', '2024-03-01 06:00:00'),
  (105, 'GP004712', null, 'OMAR', 'T', 'VANCE', '000-12-3405', '19600101', '07/01/2012', null, 'T', null, 'ME', '2024-03-01 06:00:00'),
  (106, 'GP005090', null, 'LUCÍA', null, 'FERREIRA', '000-12-3406', '19910421', '05/04/2020', '49,315.00', 'A', 'lucia.ferreira@ashby.example', 'KS', '2024-03-01 06:00:00'),
  (107, 'GP009999', null, 'NILS', null, 'AAGAARD', null, '19880808', '05/04/2020', '40,000.00', 'A', null, 'KS', '2024-03-01 06:00:00');

insert into abs_record values
  (101, 1, 'VA', '20230703', '20230707', 40, 1, null, 7),
  (102, 1, 'SL', '20240115', '20240115', 7.5, 1, 'dentist', 7),
  (102, 2, 'FM', '20240201', null, 312, 0, 'new child', 8),
  (103, 1, 'ZZ', '20231120', '20231121', 16, 0, null, 8), -- a code that nobody knows any more
  (103, 2, 'SL', '20231121', '20231120', 8, 1, null, 8), -- ends before it begins
  (107, 1, 'VA', '20230703', '20230707', 40, 1, null, 7); -- of somebody who is not there

insert into dis_case values
  ('C0000881', 102, 'STD', 'S82201A', '02/03/2024', '00/00/0000', 14, '840.00', 'O'),
  ('C0000512', 104, 'LTD', 'M545', '08/19/2021', '03/01/2022', 90, '1,065.50', 'C'),
  ('C0000513', 104, 'LTD', 'backache', '09/19/2021', '03/01/2022', 90, '1,065.50', 'C'), -- no code of a diagnosis
  ('C0000990', 106, 'STD', null, '01/08/2024', null, 7, '569.02', 'P');

insert into clm_header values
  (700001, 102, 'C0000881', 'M', '2024-02-03', '2024-02-05 09:12:44', 1840, 1472, 'PD', 'ST. BRIGID CLINIC'),
  (700002, 102, 'C0000881', 'M', '2024-02-20', '2024-02-21 15:40:02', 220.4, null, 'OP', 'ST. BRIGID CLINIC'),
  (700003, 104, null, 'D', '2023-05-11', '2023-05-12 08:00:00', 310, 310, 'PD', null),
  (700004, 106, 'C0000990', 'M', '2024-01-08', '2024-01-09 11:05:31', 95.75, 0, 'DN', 'ASHBY URGENT CARE'),
  (700005, 106, null, 'D', '2024-01-15', '2024-01-16 10:00:00', 80, 800, 'PD', null), -- more is paid than was asked for
  (700006, 104, 'C0000513', 'M', '2021-09-20', '2021-09-21 10:00:00', 130, 130, 'PD', null); -- of a case that is set aside
