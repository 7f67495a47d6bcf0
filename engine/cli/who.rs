//! Who works here, for decisions that are remembered.

use std::fs;

/// The user of this process and the machine, as `anna on db1`.
pub(crate) fn who() -> String {
    let host = fs::read_to_string("/proc/sys/kernel/hostname").unwrap_or_default();
    match (user(), host.trim()) {
        (user, "") => user,
        (user, host) => format!("{user} on {host}"),
    }
}

/// The name that the system has for the user; not what the environment says, which anybody can set.
#[cfg(unix)]
fn user() -> String {
    use std::os::unix::fs::MetadataExt;
    let Ok(own) = fs::metadata("/proc/self") else { return "unknown user".to_owned() };
    let users = fs::read_to_string("/etc/passwd").unwrap_or_default();
    name_of(own.uid(), &users).unwrap_or_else(|| format!("user {}", own.uid()))
}

#[cfg(not(unix))]
fn user() -> String {
    "unknown user".to_owned()
}

/// `anna:x:1000:…`
#[cfg(unix)]
fn name_of(number: u32, users: &str) -> Option<String> {
    let of_line = |line: &str| {
        let mut parts = line.split(':');
        let (name, number) = (parts.next()?, parts.nth(1)?);
        Some((name.to_owned(), number.parse().ok()?))
    };
    users.lines().filter_map(of_line).find(|(_, found): &(String, u32)| *found == number).map(|(name, _)| name)
}

#[cfg(all(test, unix))]
mod tests {
    use super::*;

    #[test]
    fn a_user_has_the_name_that_the_system_says() {
        let users = "root:x:0:0:root:/root:/bin/bash\n# a note\nanna:x:1000:1000::/home/anna:/bin/sh\n";
        assert_eq!(name_of(1000, users).as_deref(), Some("anna"));
        assert_eq!(name_of(0, users).as_deref(), Some("root"));
        assert_eq!(name_of(1, users), None);
    }
}
