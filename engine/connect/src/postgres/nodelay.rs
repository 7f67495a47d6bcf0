//! Small messages are sent at once.
//!
//! The driver leaves Nagle's algorithm on. The last rows of a COPY and the word that ends it are two small messages without an answer between
//! them; the second waits until the server's kernel acknowledges the first, which it puts off for 40 ms. The driver does not give its socket
//! away, so it is asked of the system: a descriptor of this process can be had a second time, and what is set on one holds for both.
//! Where the system refuses, connections work all the same, only slower.

/// Turns Nagle's algorithm off for this process's connections.
#[cfg(target_os = "linux")]
pub(super) fn set() {
    use rustix::process::{PidfdFlags, PidfdGetfdFlags, getpid, pidfd_getfd, pidfd_open};

    let Ok(process) = pidfd_open(getpid(), PidfdFlags::empty()) else { return };
    for entry in std::fs::read_dir("/proc/self/fd").into_iter().flatten().flatten() {
        let is_socket = std::fs::read_link(entry.path()).is_ok_and(|to| to.to_string_lossy().starts_with("socket:"));
        let number = entry.file_name().to_str().and_then(|name| name.parse().ok()).filter(|_| is_socket);
        let socket = number.and_then(|number| pidfd_getfd(&process, number, PidfdGetfdFlags::empty()).ok());
        // A socket that is not TCP refuses, and needs nothing.
        if socket.is_none_or(|socket| rustix::net::sockopt::set_tcp_nodelay(&socket, true).is_err()) {
            continue;
        }
    }
}

/// Elsewhere a socket cannot be had a second time.
#[cfg(not(target_os = "linux"))]
pub(super) fn set() {}
