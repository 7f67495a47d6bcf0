//! The reference specs of the insurance: the invented rows that come with them, and a few hundred that are made here, some of them bad.

use crate::ends::{Ends, for_each_pair};
use crate::world::World;

/// Rows as SQLite makes them. What a number does not divide is sound; each kind of damage has a divisor of its own.
const MORE_ROWS: &str = "
with recursive n (i) as (select 1 union all select i + 1 from n where i < 40)
insert into grp_policy
select printf('GP%06d', 100000 + i), ' GROUP  ' || i, substr('STDLTDLIF', 1 + 3 * (i % 3), 3), '20180101',
  iif(i % 4 = 0, '20241231', '99999999'), i * 1000.25, 'OH', '2024-03-01 06:00:00'
from n;

with recursive n (i) as (select 1 union all select i + 1 from n where i < 400)
insert into emp_master
select 1000 + i, printf('GP%06d', 100001 + i % 41), iif(i % 3 = 0, null, 1000 + i * 7 % 420), 'GIVEN' || i, iif(i % 2 = 0, 'Q', null),
  'FAMILY ' || i, iif(i % 37 = 0, '12-3456', printf('000-%02d-%04d', i % 100, i)), printf('19%02d0%d1%d', 40 + i % 60, 1 + i % 9, i % 10),
  printf('%02d/%02d/%d', 1 + i % 13, 1 + i % 28, 1990 + i % 30), iif(i % 53 = 0, 'n/a', printf('%,d.%02d', 20000 + i * 97, i % 100)),
  substr('AALTTAAALAQ', 1 + i % 11, 1), iif(i % 29 = 0, 'by fax', printf(' E%d@Group.Example', i)), iif(i % 5 = 0, null, 'OH'), '2024-03-01 06:00:00'
from n;

with recursive n (i) as (select 1 union all select i + 1 from n where i < 600)
insert into abs_record
select 1000 + i % 430, i, substr('VASLFMJUZZ', 1 + 2 * (i % 5), 2), printf('2023%02d%02d', 1 + i % 12, 1 + i % 29),
  iif(i % 4 = 0, null, printf('2023%02d%02d', 1 + (i + i % 2) % 12, 1 + i % 28)), iif(i % 31 = 0, 0, i % 40 + 0.25), i % 2, null, i
from n;

with recursive n (i) as (select 1 union all select i + 1 from n where i < 150)
insert into dis_case
select printf(iif(i % 41 = 0, 'D%07d', 'C%07d'), 1000 + i), 1000 + i * 3 % 430, substr('STDLTDWC ', 1 + 3 * (i % 3), 3), iif(i % 6 = 0, null, printf(' m54%d', i)),
  printf('%02d/15/2023', 1 + i % 12), iif(i % 2 = 0, '00/00/0000', '12/31/2023'), i % 90, printf('%,d.%02d', i * 37, i % 100), substr('POC', 1 + i % 3, 1)
from n;

with recursive n (i) as (select 1 union all select i + 1 from n where i < 500)
insert into clm_header
select i, 1000 + i % 430, iif(i % 3 = 0, null, printf('C%07d', 1000 + i % 160)), substr('MDMDV', 1 + i % 5, 1), date('2023-01-01', i || ' days'),
  datetime('2023-01-02 10:00:00', i || ' days'), i * 11.5, iif(i % 4 = 0, null, i * 11.5 - 20), substr('OPPDDN', 1 + 2 * (i % 3), 2), 'CLINIC  ' || i
from n;
";

/// Damage, and what mends it.
const CHANGES: &str = "
update grp_policy set prod_cd = 'LIF' where pol_no = 'GP005091';
insert into grp_policy values ('GP009999', 'LATE ONE', 'STD', '20180101', '99999999', 1, 'KS', '2024-03-01 06:00:00');
update emp_master set mgr_no = 1399 where emp_no between 1001 and 1005;
update emp_master set sts_cd = 'A' where sts_cd = 'Q';
update dis_case set dx_cd = 'M549' where case_no = 'C0000513';
update clm_header set paid_amt = bill_amt where clm_no % 50 = 0;
delete from clm_header where clm_no = 700005;
";

fn the_insurance_arrives_row_for_row_as_expected(ends: Ends) {
    let world = World::copy_of("specs/insurance");
    std::fs::create_dir_all(world.file("data")).unwrap();
    world.source().execute(&(world.read("schema/legacy.sql") + MORE_ROWS));
    world.replace("transload.yaml", "max: 10% }", "max: 10% }\n  load: { max_errors: 100% }");
    let world = world.between(ends, "LEGACY_URL");

    let first = world.run();

    assert_eq!(first["totals"]["read"], 27 + 40 + 400 + 600 + 150 + 500);
    for code in [
        "PARENT_MISSING",
        "RULE_FORMAT",
        "RULE_RANGE",
        "SCRIPT_THROWN",
        "VALUE_FORMAT",
        "VALUE_UNMAPPED",
        "CONSTRAINT_CHECK",
    ] {
        assert!(world.quarantine().iter().any(|row| row.contains(code)), "no row shows {code}");
    }
    world.assert_as_expected();

    world.source().execute(CHANGES);
    world.run();
    world.assert_as_expected();
    let before = world.destination().fingerprint();
    let last = world.run();
    assert_eq!(last["totals"]["new"], 0, "{last}");
    assert!(before == world.destination().fingerprint(), "a run that found nothing changed the destination");
}

for_each_pair!(the_insurance_arrives_row_for_row_as_expected);

#[test]
fn its_lock_is_current_and_its_tests_pass() {
    let world = World::copy_of("specs/insurance");

    let tested = world.transload(&["test"]);
    assert_eq!(tested.code, 0, "{tested:?}");
    assert!(tested.stdout.contains("17 tests in 5 specs: 17 passed"), "{}", tested.stdout);

    let locked = world.transload(&["validate", "--lock"]);
    assert_eq!(locked.code, 0, "{locked:?}");
    assert!(
        locked.stderr.contains("transload.lock is as it was"),
        "specs/insurance/transload.lock is stale: {locked:?}"
    );
}
