//! Something between a run and its server: an address that can refuse, lead elsewhere, or speak no sense.

use std::collections::VecDeque;
use std::io::{Read, Write};
use std::net::{Shutdown, TcpListener, TcpStream};
use std::sync::{Arc, Mutex};

/// A port of this machine at which a test decides what is heard.
pub(crate) struct Front {
    port: u16,
    refusals: Arc<Mutex<VecDeque<&'static str>>>,
}

impl Front {
    /// Stands before the server of a URL.
    pub(crate) fn before(url: &str) -> Self {
        let server = host_and_port(url).to_owned();
        let refusals = Arc::new(Mutex::new(VecDeque::new()));
        let next = Arc::clone(&refusals);
        let port = listen(move |client| {
            let refusal = next.lock().unwrap().pop_front();
            match refusal {
                Some(state) => refuse(client, state),
                None => pass(client, TcpStream::connect(&server).unwrap()),
            }
        });
        Self { port, refusals }
    }

    /// The URL, by this port.
    pub(crate) fn url(&self, url: &str) -> String {
        url.replace(host_and_port(url), &format!("127.0.0.1:{}", self.port))
    }

    /// Answers so many of those who come next with this SQLSTATE.
    pub(crate) fn refuse(&self, count: usize, state: &'static str) {
        self.refusals.lock().unwrap().extend(std::iter::repeat_n(state, count));
    }

    /// How many are still to be refused.
    pub(crate) fn still_refused(&self) -> usize {
        self.refusals.lock().unwrap().len()
    }
}

/// Hands everyone who connects to `meet`, each on a thread of their own. The port is closed with this process.
pub(crate) fn listen(meet: impl Fn(TcpStream) + Send + Sync + 'static) -> u16 {
    let listener = TcpListener::bind("127.0.0.1:0").unwrap();
    let port = listener.local_addr().unwrap().port();
    let meet = Arc::new(meet);
    std::thread::spawn(move || {
        for client in listener.incoming().flatten() {
            let meet = Arc::clone(&meet);
            std::thread::spawn(move || meet(client));
        }
    });
    port
}

pub(crate) fn host_and_port(url: &str) -> &str {
    url.split_once('@').unwrap().1.split_once('/').unwrap().0
}

/// Reads what a client of PostgreSQL begins with.
pub(crate) fn startup(client: &mut TcpStream) -> std::io::Result<()> {
    let mut length = [0; 4];
    client.read_exact(&mut length)?;
    let rest = u32::from_be_bytes(length) - 4;
    client.read_exact(&mut vec![0; usize::try_from(rest).unwrap()])
}

/// One message of PostgreSQL's protocol.
pub(crate) fn message(kind: u8, content: &[u8]) -> Vec<u8> {
    let length = u32::try_from(content.len() + 4).unwrap();
    [&[kind], &length.to_be_bytes()[..], content].concat()
}

fn refuse(mut client: TcpStream, state: &str) {
    let words = format!("SFATAL\0VFATAL\0C{state}\0Mnot now\0\0");
    drop(startup(&mut client).and_then(|()| client.write_all(&message(b'E', words.as_bytes()))));
}

fn pass(client: TcpStream, server: TcpStream) {
    let (mut to_client, mut to_server) = (client.try_clone().unwrap(), server.try_clone().unwrap());
    let mut from_client = client;
    let there = std::thread::spawn(move || {
        drop(std::io::copy(&mut from_client, &mut to_server));
        drop(to_server.shutdown(Shutdown::Both));
    });
    let mut from_server = server;
    drop(std::io::copy(&mut from_server, &mut to_client));
    drop(to_client.shutdown(Shutdown::Both));
    there.join().unwrap();
}
