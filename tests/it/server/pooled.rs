//! A pooler between a run and its server. One that keeps a session for each client is like none; one that does not is refused.

use std::net::{TcpListener, TcpStream};
use std::os::unix::fs::{MetadataExt, PermissionsExt};
use std::os::unix::process::CommandExt;
use std::process::{Child, Command, Stdio};
use std::time::{Duration, Instant};

use tempfile::TempDir;

use super::{assert_arrives, assert_ledger_agrees, assert_refused, shop, told};
use crate::front::host_and_port;
use crate::world::World;

/// PgBouncer, which `tests/run` installs. It ends with its owner.
struct Pooler {
    process: Child,
    port: u16,
    _folder: TempDir,
}

/// Who owns nothing. PgBouncer does not run as root.
const NOBODY: u32 = 65_534;

impl Pooler {
    /// In front of the server of a URL, with this `pool_mode`.
    fn before(url: &str, mode: &str) -> Self {
        let folder = tempfile::tempdir().unwrap();
        std::fs::set_permissions(folder.path(), std::fs::Permissions::from_mode(0o777)).unwrap();
        let port = TcpListener::bind("127.0.0.1:0").unwrap().local_addr().unwrap().port();
        let (host, server_port) = host_and_port(url).split_once(':').unwrap();
        let place = folder.path().display();
        std::fs::write(folder.path().join("users"), "\"tester\" \"tested\"\n").unwrap();
        std::fs::write(
            folder.path().join("pooler.ini"),
            format!(
                "[databases]\n* = host={host} port={server_port}\n[pgbouncer]\nlisten_addr = 127.0.0.1\nlisten_port = {port}\n\
                 auth_type = plain\nauth_file = {place}/users\npool_mode = {mode}\nignore_startup_parameters = extra_float_digits\n\
                 unix_socket_dir =\npidfile = {place}/pid\n"
            ),
        )
        .unwrap();
        let mut command = Command::new("/usr/sbin/pgbouncer");
        command.arg("-q").arg(folder.path().join("pooler.ini")).stderr(Stdio::null());
        if std::fs::metadata("/proc/self").unwrap().uid() == 0 {
            command.uid(NOBODY).gid(NOBODY);
        }
        let process = command.spawn().expect("tests/run installs PgBouncer");
        let start = Instant::now();
        while TcpStream::connect(("127.0.0.1", port)).is_err() {
            assert!(start.elapsed() < Duration::from_secs(10), "PgBouncer does not listen");
            std::thread::sleep(Duration::from_millis(5));
        }
        Self { process, port, _folder: folder }
    }
}

impl Drop for Pooler {
    fn drop(&mut self) {
        self.process.kill().unwrap();
        self.process.wait().unwrap();
    }
}

fn shop_behind(mode: &str) -> (World, Pooler) {
    let world = shop();
    let url = world.destination().url();
    let pooler = Pooler::before(&url, mode);
    let own = url.replace(host_and_port(&url), &format!("127.0.0.1:{}", pooler.port));
    world.replace("transload.yaml", &url, &own);
    (world, pooler)
}

#[test]
fn a_pooler_that_hands_out_a_session_for_each_transaction_is_refused() {
    let (world, _pooler) = shop_behind("transaction");
    for _ in 0..3 {
        assert_refused("transactions", &told(&world, "run"), "TL0515", 4, &["pool_mode = session"]);
        assert_ledger_agrees(&world, &["shelves", "books"]);
        assert_eq!(world.destination().count("books"), 0);
    }
}

#[test]
fn a_pooler_that_keeps_a_session_for_each_client_is_like_none() {
    let (world, _pooler) = shop_behind("session");
    assert_arrives(&world);
    world
        .source()
        .execute("update old_books set title = 'geheim and later' where no < 9; delete from old_books where no > 28");
    assert_arrives(&world);
}
