//! What a Service does, on loopback: each new connection goes to one of its endpoints, in turn. As with kube-proxy, a
//! connection stays with its endpoint whatever becomes of the others, and one that its endpoint does not take fails.
//!
//! ```no_run
//! use oci_testkit::service::Service;
//!
//! let service = Service::start();
//! service.lead_to([8080, 8081]);
//! service.silence(true);                               // a cut cable: connections stay open, and nothing passes
//! ```

use std::{
    net::Ipv4Addr,
    sync::{Arc, Mutex},
};

use tokio::{io::copy_bidirectional, net::TcpStream, sync::watch};

use crate::listener::{Listener, bind};

/// A running Service without endpoints.
#[derive(Debug)]
pub struct Service {
    port: u16,
    state: Arc<State>,
    _listener: Listener,
}

#[derive(Debug)]
struct State {
    /// The next one first.
    endpoints: Mutex<Vec<u16>>,
    silent: watch::Sender<bool>,
}

impl Service {
    /// Listens on a free port of the loopback interface.
    pub fn start() -> Self {
        let (listener, address) = bind();
        let state = Arc::new(State { endpoints: Mutex::default(), silent: watch::Sender::new(false) });
        let passing = Arc::clone(&state);
        let listener = Listener::start("service", listener, move |client| pass(client, Arc::clone(&passing)));
        Self { port: address.port(), state, _listener: listener }
    }

    /// Where it is on loopback.
    pub fn port(&self) -> u16 {
        self.port
    }

    /// New connections go to these ports of the loopback interface.
    pub fn lead_to(&self, endpoints: impl IntoIterator<Item = u16>) {
        *self.state.endpoints.lock().unwrap() = endpoints.into_iter().collect();
    }

    /// Whether nothing passes: connections are there then, and silent; once something passes again, those end.
    pub fn silence(&self, silent: bool) {
        self.state.silent.send_replace(silent);
    }
}

impl State {
    fn next(&self) -> Option<u16> {
        let mut endpoints = self.endpoints.lock().unwrap();
        let next = endpoints.first().copied();
        if next.is_some() {
            endpoints.rotate_left(1);
        }
        next
    }
}

async fn pass(mut client: TcpStream, state: Arc<State>) {
    let mut silent = state.silent.subscribe();
    let endpoint = async {
        let stream = TcpStream::connect((Ipv4Addr::LOCALHOST, state.next()?)).await.ok()?;
        stream.set_nodelay(true).ok().map(|()| stream)
    };
    if !*silent.borrow() {
        let Some(mut endpoint) = endpoint.await else { return };
        tokio::select! {
            _ = copy_bidirectional(&mut client, &mut endpoint) => return,
            _ = silent.wait_for(|silent| *silent) => {}
        }
    }
    // An error means that the Service is gone.
    let _ = silent.wait_for(|silent| !silent).await;
}

#[cfg(test)]
mod tests {
    use std::{
        io::{Read as _, Write as _},
        net::{TcpListener, TcpStream},
    };

    use super::*;

    /// The first byte that comes through the Service.
    fn first(service: &Service) -> Option<u8> {
        let mut stream = TcpStream::connect((Ipv4Addr::LOCALHOST, service.port())).unwrap();
        let mut byte = [0];
        stream.read_exact(&mut byte).is_ok().then_some(byte[0])
    }

    /// Sends one byte to everybody.
    fn endpoint(byte: u8) -> u16 {
        let listener = TcpListener::bind("127.0.0.1:0").unwrap();
        let port = listener.local_addr().unwrap().port();
        std::thread::spawn(move || {
            for mut stream in listener.incoming().flatten() {
                stream.write_all(&[byte]).unwrap();
            }
        });
        port
    }

    #[test]
    fn service_leads_to_its_endpoints_in_turn_and_asks_none_twice() {
        let service = Service::start();
        assert_eq!(first(&service), None);
        let refused = TcpListener::bind("127.0.0.1:0").unwrap().local_addr().unwrap().port();
        service.lead_to([endpoint(1), refused, endpoint(2)]);
        let answers: Vec<_> = (0..4).map(|_| first(&service)).collect();
        assert_eq!(answers, [Some(1), None, Some(2), Some(1)]);
    }
}
