//! Which processes still exist.
//!
//! A fence names the process that holds it, so that a run whose process is gone can be taken over at once. A wrong answer costs nothing but
//! politeness: the epoch keeps a process that was thought dead from committing.

use std::fs;

/// This process, told apart from any other that had or will have its number.
pub(crate) fn own_token() -> String {
    token(std::process::id()).unwrap_or_else(|| format!("unknown:{}:0", std::process::id()))
}

/// This process for people: host and number.
pub(crate) fn own_name() -> String {
    name_of(std::process::id())
}

/// A process of this machine for people.
pub(crate) fn name_of(process: u32) -> String {
    let host = fs::read_to_string("/proc/sys/kernel/hostname").unwrap_or_default();
    format!("process {process} on {}", host.trim())
}

/// Whether the process of a token still exists on this machine.
pub(crate) fn is_alive(stored: &str) -> bool {
    let number = stored.rsplit(':').nth(1).and_then(|text| text.parse().ok());
    number.and_then(token).is_some_and(|now| now == stored)
}

/// Boot, number and start time of a process that exists.
fn token(process: u32) -> Option<String> {
    let boot = fs::read_to_string("/proc/sys/kernel/random/boot_id").ok()?;
    let stat = fs::read_to_string(format!("/proc/{process}/stat")).ok()?;
    // The command name stands in parentheses and may hold anything; what follows the last one is numbers.
    let fields: Vec<&str> = stat.rsplit_once(')')?.1.split_whitespace().collect();
    let (state, started) = (fields.first()?, fields.get(19)?);
    (*state != "Z").then(|| format!("{}:{process}:{started}", boot.trim()))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_process_is_alive_until_it_ends() {
        assert!(is_alive(&own_token()));
        let mut child = std::process::Command::new("sleep").arg("60").spawn().unwrap();
        let child_token = token(child.id()).unwrap();
        assert!(is_alive(&child_token));
        child.kill().unwrap();
        child.wait().unwrap();
        assert!(!is_alive(&child_token));
        assert!(!is_alive("nonsense"));
    }
}
