//! `validate --fix`: names that can be meant in one way only are corrected in the files.

use crate::world::World;

fn told(world: &World, arguments: &[&str], code: i32, says: &str) {
    let told = world.transload(arguments);
    assert_eq!(told.code, code, "{told:?}");
    assert!(told.stdout.contains(says) || told.stderr.contains(says), "{says:?} is not said: {told:?}");
}

#[test]
fn names_that_are_nearly_right_are_corrected_and_nothing_else_changes() {
    let world = World::clinic();
    let (patients, doctors) = (world.read("specs/patients.yaml"), world.read("specs/doctors.yaml"));
    world.replace("specs/patients.yaml", "source_field: sex_cd", "source_field: \"sex_dc\"");
    world.replace("specs/patients.yaml", "is_required: true", "is_reqired: true");
    world.replace("specs/patients.yaml", "references: doctors", "references: doctor");
    world.write("specs/doctors.yaml", &format!("\u{feff}{}", doctors.replace("transformation", "transfromation")));

    told(&world, &["validate"], 1, "`transload validate --fix` corrects");
    told(&world, &["validate", "--fix"], 0, "corrected ");

    let expected = patients.replace("source_field: sex_cd", "source_field: \"sex_cd\"");
    assert_eq!(world.read("specs/patients.yaml"), expected);
    assert_eq!(world.read("specs/doctors.yaml"), format!("\u{feff}{doctors}"));
    told(&world, &["validate", "--fix"], 0, "names and types fit");
}

/// What a test expects of a field whose mapping is misspelt is not what is wrong.
#[test]
fn a_misspelt_mapping_is_corrected_and_its_tests_stay() {
    let world = World::clinic();
    let before = world.read("specs/offices.yaml");
    world.replace("specs/offices.yaml", "\n  postal_code:", "\n  postl_code:");

    told(&world, &["validate", "--fix"], 0, "corrected 1 name in 1 file");

    assert_eq!(world.read("specs/offices.yaml"), before);
}

#[test]
fn what_can_be_meant_in_two_ways_is_left_alone() {
    let world = World::clinic();
    let before = world
        .read("specs/patients.yaml")
        .replace("source_field: [first_nm, last_nm]", "source_field: [rst_nm, ast_nm]");
    world.write("specs/patients.yaml", &before.replace("source_field: sex_cd", "source_field: gender"));
    let bad = world.read("specs/patients.yaml");

    told(&world, &["validate", "--fix", "--offline"], 1, "`gender` does not exist");

    let after = world.read("specs/patients.yaml");
    assert!(after.contains("source_field: gender"), "{after}");
    // `first_nm` and `last_nm` are as near to the one; only `last_nm` to the other.
    assert!(after.contains("source_field: [rst_nm, last_nm]"), "{after}");
    assert_eq!(after.lines().count(), bad.lines().count());
}

/// Whatever is wrong only because something else is must not be put right by itself.
#[test]
fn consequences_of_a_misspelt_word_are_left_alone() {
    let world = World::example("chinook");
    let before = world.read("specs/tracks.yaml");
    for (right, wrong) in
        [("source_field: UnitPrice", "sourcefield: UnitPrice"), ("references: albums", "references: album")]
    {
        world.replace("specs/tracks.yaml", right, wrong);
        told(&world, &["validate", "--fix"], 0, "corrected 1 name in 1 file");
        assert_eq!(world.read("specs/tracks.yaml"), before);
    }
}

#[test]
fn where_rows_go_is_not_corrected_unasked() {
    let world = World::example("chinook");
    for (right, wrong, says) in [
        ("source_field: UnitPrice", "src: UnitPrice", "`src`"),
        ("destination_table: tracks", "destination_table: trcks", "did you mean `tracks`?"),
    ] {
        world.replace("specs/tracks.yaml", right, wrong);
        let before = world.read("specs/tracks.yaml");
        told(&world, &["validate", "--fix"], 1, says);
        assert_eq!(world.read("specs/tracks.yaml"), before);
        world.replace("specs/tracks.yaml", wrong, right);
    }
}
