//! A destination without space.

use std::path::{Path, PathBuf};
use std::process::Command;

use tempfile::TempDir;

use super::{assert_told, assert_whole, library};
use crate::ends::End;
use crate::world::World;

/// Rows of `batch_size` times `checkpoint_interval`.
const UNIT_ROWS: u64 = 500;

/// A file system in memory, of few bytes.
pub(super) struct SmallDisk {
    place: PathBuf,
}

impl SmallDisk {
    pub(super) fn mount(place: &Path, size: &str) -> Self {
        std::fs::create_dir_all(place).unwrap();
        assert!(mount(place, &format!("size={size},mode=777")), "{} cannot be mounted", place.display());
        Self { place: place.to_owned() }
    }

    pub(super) fn enlarge(&self, size: &str) {
        assert!(mount(&self.place, &format!("remount,size={size}")), "{} stays small", self.place.display());
    }

    /// Takes all space that is left. The file can be removed to give it back.
    pub(super) fn fill(&self) -> PathBuf {
        let filler = self.place.join("filler");
        let mut file = std::fs::File::create(&filler).unwrap();
        while std::io::Write::write_all(&mut file, &[0; 512]).is_ok() {}
        filler
    }
}

impl Drop for SmallDisk {
    fn drop(&mut self) {
        // Lazily: what a test that failed left open must not keep it.
        drop(Command::new("umount").arg("-l").arg(&self.place).status());
    }
}

fn mount(place: &Path, options: &str) -> bool {
    Command::new("mount").args(["-t", "tmpfs", "-o", options, "tmpfs"]).arg(place).output().unwrap().status.success()
}

/// Runs a test that mounts. Where this process may not, it runs once more as root of a name space of its own.
pub(super) fn with_mounts(name: &str, test: impl FnOnce()) {
    const IS_AGAIN: &str = "TRANSLOAD_TEST_MOUNTS";
    let probe = tempfile::tempdir().unwrap();
    if mount(probe.path(), "size=64k") {
        drop(SmallDisk { place: probe.path().to_owned() });
        test();
        return;
    }
    assert!(std::env::var_os(IS_AGAIN).is_none(), "mounting is permitted neither here nor under `unshare -rm`");
    let this = std::env::current_exe().unwrap();
    let again = Command::new("unshare").arg("-rm").arg(this).args([name, "--exact"]).env(IS_AGAIN, "1").output();
    let again = crate::world::ended(&again.unwrap());
    assert!(again.code == 0 && again.stdout.contains("1 passed"), "{name} under `unshare -rm`: {again:?}");
}

/// A library of 15,010 rows whose destination is on a disk of its own, loaded in units of some hundred rows.
fn library_on_a_disk(size: &str) -> (World, SmallDisk) {
    let world = library(1_500);
    world.replace("transload.yaml", "sqlite:data/platform.db", "sqlite:small/platform.db");
    world.replace(
        "transload.yaml",
        "deletes:",
        "load: { batch_size: 250, checkpoint_interval: 2, max_retry_attempts: 0 }\n  deletes:",
    );
    let disk = SmallDisk::mount(&world.file("small"), size);
    (world, disk)
}

/// What is durable of the destination. It is copied to be looked at, because SQLite needs space to open it.
struct Durable {
    platform: End,
    _copy: TempDir,
}

impl Durable {
    /// Nothing where there is no destination yet.
    fn of(world: &World) -> Option<Self> {
        let copy = tempfile::tempdir().unwrap();
        for name in ["platform.db", "platform.db-wal"] {
            let from = world.file("small").join(name);
            if from.exists() {
                std::fs::copy(from, copy.path().join(name)).unwrap();
            }
        }
        let path = copy.path().join("platform.db");
        path.exists().then(|| Self { platform: End::File(path.clone()), _copy: copy })
    }

    fn count(&self, what: &str) -> u64 {
        self.platform.count(what)
    }
}

/// Shows that a run ends for want of space and leaves whole units.
fn assert_full(world: &World, what: &str) -> Option<Durable> {
    let told = world.transload(&["run"]);

    assert_told(what, &told, "TL0423", 4, &["Free space, then run again"]);
    assert!(!world.file("small/platform.unfinished").exists(), "{what}: a file is left");
    let durable = Durable::of(world)?;
    assert_whole(&durable.platform);
    assert_eq!(durable.count("books") % UNIT_ROWS, 0, "{what}: a unit is not whole");
    Some(durable)
}

#[test]
fn a_disk_that_fills_up_holds_whole_units_and_the_next_run_goes_on() {
    with_mounts("refusals::full_disk::a_disk_that_fills_up_holds_whole_units_and_the_next_run_goes_on", || {
        // It fills up while the file is made, while the ledger is, at the first unit, and later.
        let mut held = Vec::new();
        for size in ["8k", "24k", "32k", "64k", "128k", "512k", "2m"] {
            let (world, disk) = library_on_a_disk(size);

            let first = assert_full(&world, size).map_or(0, |durable| durable.count("books"));
            let second = assert_full(&world, size).map_or(0, |durable| durable.count("books"));

            assert!(first <= second, "{size}: {first} and then {second} books");
            held.push(second);
            disk.enlarge("64m");
            let report = world.run();
            // It was paused; where it had written nothing yet, there was nothing to go on with.
            assert!(second == 0 || report["resumed"] == true, "{size}: {report}");
            let durable = Durable::of(&world).unwrap();
            assert_eq!(durable.count("books"), 15_000, "{size}");
            assert_whole(&durable.platform);
            world.assert_as_expected();
        }
        assert!(held.first() == Some(&0) && held.last() > Some(&0), "{held:?}");
    });
}

#[test]
fn a_disk_that_is_full_keeps_the_rows_as_they_were_loaded() {
    with_mounts("refusals::full_disk::a_disk_that_is_full_keeps_the_rows_as_they_were_loaded", || {
        let (world, disk) = library_on_a_disk("16m");
        world.run();
        let filler = disk.fill();
        let change = "update old_books set title = title || ' of a longer title'; delete from old_books where no < 9";
        world.database("data/legacy.db").execute_batch(change).unwrap();

        let durable = assert_full(&world, "an update").unwrap();

        assert_eq!(durable.count("books where title like '%LONGER%'"), 0);
        assert_eq!(durable.count("books"), 15_000);
        std::fs::remove_file(filler).unwrap();
        let report = world.run();
        assert_eq!((&report["totals"]["modified"], &report["totals"]["deleted"]), (&14_992.into(), &8.into()));
        assert_whole(&Durable::of(&world).unwrap().platform);
        world.assert_as_expected();
    });
}
